import { z } from 'zod';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `30s`, `1m30s`, or of plain seconds (`180`, Kubeless' form); undefined when it is neither. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    ms += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return ms;
}

/** A duration in a manifest: text with a unit, or a number of seconds. Read as milliseconds. */
export const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = parseDuration(String(value));
  if (ms !== undefined && ms <= 2 ** 31 - 1) return ms;
  context.addIssue({
    code: 'custom',
    message: `must be a duration such as 500ms, 30s, 5m or 24h, found ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});
