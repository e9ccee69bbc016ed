import { addCounts, type Counts, noCounts, parseJson, storedCounts, withoutZeros, z } from '../../src/sdk.ts';

/*
 * What a commit says beside its offset, so that whoever owns the partition next can account for everything before it:
 *
 *   {"trigate":1,"by":"h3kQ…","from":"1200","open":"gAE=","counts":{"orders-audit":{"read":9,"claimed":9,"delivered":7}}}
 *
 *   by      who claimed: a nonce of the process, new at every start
 *   from    the lowest unsettled offset
 *   open    one bit for each offset from there on, lowest bit first: claimed and not settled
 *   counts  of this partition, cumulative, per function; zeros are left out. They hold every claimed event, and the
 *           outcomes of the settled ones.
 *
 * The broker refuses more than `offset.metadata.max.bytes`, 4,096 by default. Where the functions of a shared trigger do not
 * fit, `counts` gives way to `totals`, their sums: exact, but after a crash nobody can say which function had how many.
 */

export const MAX_METADATA_BYTES = 4_096;

export interface Metadata {
  readonly by: string;
  /** Claimed and not settled, ascending. */
  readonly open: readonly number[];
  readonly counts: ReadonlyMap<string, Counts>;
}

/** @param position one more than the highest offset that may be open */
export function encodeMetadata(metadata: Metadata, position: number): string {
  const [from = position] = metadata.open;
  const head = { trigate: 1, by: metadata.by, from: String(from), open: encodeBits(metadata.open, from) };
  const counts = Object.fromEntries([...metadata.counts].map(([name, own]) => [name, withoutZeros(own)]));
  const whole = JSON.stringify({ ...head, counts });
  if (Buffer.byteLength(whole) <= MAX_METADATA_BYTES) return whole;
  return JSON.stringify({
    ...head,
    functions: metadata.counts.size,
    totals: withoutZeros(sumCounts(metadata.counts.values())),
  });
}

/**
 * Undefined for what is not ours: no metadata, as Kubeless leaves it, or another program's.
 * @param functions who shares the totals where there are no counts for each
 */
export function decodeMetadata(text: string | null, functions: readonly string[]): Metadata | undefined {
  if (text === null || text === '') return undefined;
  const parsed = stored.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { by, from, open, counts, totals } = parsed.data;
  const whole = counts === undefined ? share(totals ?? noCounts(), functions) : new Map(Object.entries(counts));
  return { by, open: decodeBits(open, Number(from)), counts: whole };
}

const stored = z.object({
  trigate: z.literal(1),
  by: z.string(),
  from: z.string().regex(/^\d{1,16}$/),
  open: z.base64(),
  counts: z.record(z.string(), storedCounts).optional(),
  totals: storedCounts.optional(),
});

function encodeBits(open: readonly number[], from: number): string {
  const last = open.at(-1);
  if (last === undefined) return '';
  const bytes = Buffer.alloc(((last - from) >>> 3) + 1);
  for (const offset of open) {
    const at = offset - from;
    bytes[at >>> 3] = (bytes[at >>> 3] ?? 0) | (1 << (at & 7));
  }
  return bytes.toString('base64');
}

function decodeBits(text: string, from: number): number[] {
  const open: number[] = [];
  for (const [i, byte] of Buffer.from(text, 'base64').entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) open.push(from + i * 8 + bit);
  }
  return open;
}

export function sumCounts(all: Iterable<Counts>): Counts {
  const totals = noCounts();
  for (const counts of all) addCounts(totals, counts, 1);
  return totals;
}

/** Totals can only be shown as somebody's: the first function's, so that they stay exact and balanced. */
const share = (totals: Counts, functions: readonly string[]): Map<string, Counts> =>
  new Map(functions.slice(0, 1).map((name) => [name, totals]));
