import { z } from 'zod';
import { addReasons } from '../domain/ledger.ts';
import { triggerKey } from '../domain/trigger.ts';

const reasons = z.record(z.string(), z.number()).default({});
const functionRow = z.looseObject({
  name: z.string(),
  read: z.number(),
  filtered: z.number(),
  claimed: z.number(),
  delivered: z.number(),
  rejected: z.number(),
  unknown: reasons,
  droppedBeforeClaim: reasons,
  dropped: reasons,
  inFlight: z.number(),
});
/** Milliseconds since the epoch, or ISO 8601. */
const moment = z.union([z.string(), z.number()]);
const gap = z.looseObject({ from: moment, to: moment, cause: z.string() });
const triggerRow = z.looseObject({
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  gaps: z.array(gap).default([]),
  functions: z.array(functionRow),
});

/** The answer of `GET /v1/ledger`. Fields that this version does not know stay. */
export const ledger = z.looseObject({ balanced: z.boolean(), triggers: z.array(triggerRow) });

export type Ledger = z.infer<typeof ledger>;
type FunctionRow = z.infer<typeof functionRow>;
type TriggerRow = z.infer<typeof triggerRow>;

/** Adds up what several processes have counted. Balanced when each of them is. */
export function sumOf(ledgers: readonly Ledger[]): Ledger {
  const [only] = ledgers;
  if (ledgers.length === 1 && only !== undefined) return only;
  const triggers = grouped(
    ledgers.flatMap((each) => each.triggers),
    triggerKey,
    sumOfTrigger,
  );
  return { balanced: ledgers.every(({ balanced }) => balanced), triggers };
}

const sumOfTrigger = (one: TriggerRow, other: TriggerRow): TriggerRow => ({
  ...one,
  gaps: [...one.gaps, ...other.gaps].sort((a, b) => new Date(a.from).getTime() - new Date(b.from).getTime()),
  functions: grouped([...one.functions, ...other.functions], ({ name }) => name, sumOfFunction),
});

const sumOfFunction = (one: FunctionRow, other: FunctionRow): FunctionRow => ({
  ...one,
  read: one.read + other.read,
  filtered: one.filtered + other.filtered,
  claimed: one.claimed + other.claimed,
  delivered: one.delivered + other.delivered,
  rejected: one.rejected + other.rejected,
  unknown: sumByReason(one.unknown, other.unknown),
  droppedBeforeClaim: sumByReason(one.droppedBeforeClaim, other.droppedBeforeClaim),
  dropped: sumByReason(one.dropped, other.dropped),
  inFlight: one.inFlight + other.inFlight,
});

type Reasons = Readonly<Record<string, number>>;

/** Counts under one reason, whoever has them. */
export function sumByReason(...counts: readonly Reasons[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const each of counts) addReasons(sums, each, 1);
  return sums;
}

/** What has one key becomes one, in the order of first sight. */
function grouped<T>(all: readonly T[], keyOf: (one: T) => string, sum: (one: T, other: T) => T): T[] {
  const byKey = new Map<string, T>();
  for (const each of all) {
    const key = keyOf(each);
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? each : sum(before, each));
  }
  return [...byKey.values()];
}
