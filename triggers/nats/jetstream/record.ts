import { type Counts, parseJson, storedCounts, withoutZeros, z } from '../../../src/sdk.ts';
import type { Delivered } from './api.ts';
import { latest, type Taken, takenSchema } from './taken.ts';

/**
 * What is stored of one member of a consumer: who it is, how far it has read, what it claimed and has not settled, and
 * its counts. It is stored before the acknowledgements of what it calls settled are sent, so a successor knows each
 * claim of a dead member: those that are open here, and what came to it behind `last`.
 */
export interface MemberRecord {
  /** The inbox at which the member answers; null: it left by itself, and nothing came to it behind `last`. */
  readonly owner: string | null;
  /** Of a member that is no more: whoever has it now writes of its own deliveries in another record. */
  readonly isKept: boolean;
  /** Identity of stream and consumer, for either may have been made anew. Null: not known yet. */
  readonly stream: string | null;
  readonly consumer: string | null;
  readonly last: Delivered;
  /** Its deliveries of late: what others died with is found by leaving them out. */
  readonly taken: Taken;
  /** Sequences of the stream that are claimed and not settled, ascending. */
  readonly open: readonly number[];
  /** Settled since the record before: their acknowledgements follow this one, and may not have come to the server. */
  readonly settled: readonly number[];
  /** Of the subscription: each open event is a claim for every one of them. */
  readonly functions: readonly string[];
  /** Also of functions that have left. */
  readonly counts: ReadonlyMap<string, Counts>;
  /** When it was stored, milliseconds since the epoch. */
  readonly at: number;
}

/** Runs of deliveries that are stored: what members who are killed together received from each other's last record on. */
const STORED_RUNS = 256;

const number = z.int().min(0);
/** Start and length of each run. */
const runsOfNumbers = z.array(z.tuple([number, number]));
const schema = z.object({
  v: z.literal(1),
  owner: z.string().nullable(),
  kept: z.boolean().optional(),
  stream: z.string().nullable(),
  consumer: z.string().nullable(),
  last: z.tuple([number, number]),
  /** Not in records of earlier versions: they do not tell. */
  taken: takenSchema.optional(),
  open: runsOfNumbers,
  settled: runsOfNumbers,
  functions: z.array(z.string()),
  at: number,
  counts: z.record(z.string(), storedCounts),
});

export function encodeRecord(record: MemberRecord): Uint8Array {
  const { owner, stream, consumer, last, functions, at } = record;
  const counts = Object.fromEntries([...record.counts].map(([name, each]) => [name, withoutZeros(each)]));
  const stored = {
    v: 1,
    owner,
    ...(record.isKept && { kept: true }),
    stream,
    consumer,
    last: [last.sequence, last.consumerSequence],
    taken: latest(record.taken, STORED_RUNS),
    open: runs(record.open),
    settled: runs(record.settled),
    functions,
    at,
    counts,
  };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** Undefined for what is not a record of this version. */
export function decodeRecord(data: Uint8Array): MemberRecord | undefined {
  const parsed = schema.safeParse(parseJson(new TextDecoder().decode(data)));
  if (!parsed.success) return undefined;
  const { owner, kept, stream, consumer, last, taken, open, settled, functions, at, counts } = parsed.data;
  return {
    owner,
    isKept: kept ?? false,
    stream,
    consumer,
    last: { sequence: last[0], consumerSequence: last[1] },
    taken: taken ?? { since: { sequence: last[0], consumerSequence: last[1] }, runs: [] },
    open: numbers(open),
    settled: numbers(settled),
    functions,
    at,
    counts: new Map(Object.entries(counts)),
  };
}

function runs(sequences: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const sequence of sequences) {
    const run = found.at(-1);
    if (run !== undefined && run[0] + run[1] === sequence) run[1]++;
    else found.push([sequence, 1]);
  }
  return found;
}

const numbers = (found: readonly (readonly [number, number])[]): number[] =>
  found.flatMap(([start, length]) => Array.from({ length }, (_, i) => start + i));
