import { createHash } from 'node:crypto';

/** The server takes longer names, but makes files of them. */
const LONGEST = 200;

/**
 * The durable name of a group: what JetStream forbids in names (`.`, `*`, `>`, slashes, spaces, and what is not ASCII)
 * stands as `=XX`, byte by byte. So `default_orders_audit_shop.new` is `default_orders_audit_shop=2Enew`, the same for
 * ever. One that would be too long ends in a hash of the whole.
 */
export function durableName(group: string): string {
  const encoded = group.replace(
    /[^A-Za-z0-9_-]/gu,
    (character) =>
      `=${Buffer.from(character)
        .toString('hex')
        .toUpperCase()
        .replace(/(..)(?!$)/g, '$1=')}`,
  );
  if (encoded.length <= LONGEST) return encoded;
  const digest = createHash('sha256').update(group).digest('hex').slice(0, 32);
  return `${encoded.slice(0, LONGEST - digest.length - 2)}==${digest}`;
}
