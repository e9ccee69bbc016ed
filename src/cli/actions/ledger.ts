import { z } from 'zod';
import { TrigateError } from '../../domain/errors.ts';
import { total } from '../../domain/ledger.ts';
import { formatObject, isForm, readOutput } from '../output.ts';
import type { GatewaySession } from '../shell.ts';
import { formatTable } from '../table.ts';

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
const report = z.looseObject({
  balanced: z.boolean(),
  triggers: z.array(
    z.looseObject({
      kind: z.string(),
      namespace: z.string(),
      name: z.string(),
      gaps: z.array(gap).default([]),
      functions: z.array(functionRow),
    }),
  ),
});

type Report = z.infer<typeof report>;

const HEADS = ['TRIGGER', 'FUNCTION', 'READ', 'FILTERED', 'CLAIMED', 'DELIVERED', 'REJECTED', 'UNKNOWN', 'DROPPED'];
const COLUMNS = [...HEADS, 'IN FLIGHT', 'GAPS'];

export interface LedgerFlags {
  readonly kind?: string | undefined;
  /** Undefined: of every namespace. */
  readonly namespace?: string | undefined;
  readonly trigger?: string | undefined;
  readonly function?: string | undefined;
  readonly output?: string | undefined;
  readonly headers?: boolean | undefined;
}

/** Prints the counts of triggers and functions. @throws TrigateError INTERNAL when those of all do not add up */
export async function showLedger(
  { gateway, terminal, messages }: GatewaySession,
  flags: LedgerFlags = {},
): Promise<void> {
  const output = readOutput(flags.output, ['json', 'yaml', 'jsonpath']);
  const ledger = await gateway.get('/v1/ledger', report);
  const shown = { ...ledger, triggers: chosen(ledger, flags) };
  if (isForm(output)) terminal.stdout.write(await formatObject(shown, output));
  else {
    const lines = rows(shown);
    const { headers = true } = flags;
    terminal.stdout.write(formatTable(headers ? COLUMNS : [], lines));
    if (lines.length === 0) messages.info('No counts found.');
    for (const text of gapLines(shown)) messages.warning(text);
  }
  if (!ledger.balanced)
    throw new TrigateError('INTERNAL', 'The ledger does not balance: some copies are not accounted.');
  if (!isForm(output)) messages.info('The ledger balances.');
}

function chosen({ triggers }: Report, { kind, namespace, trigger, function: functionName }: LedgerFlags) {
  const is = (wanted: string | undefined, found: string) => wanted === undefined || wanted === found;
  return triggers
    .filter((each) => is(kind, each.kind) && is(namespace, each.namespace) && is(trigger, each.name))
    .map((each) => ({ ...each, functions: each.functions.filter(({ name }) => is(functionName, name)) }))
    .filter(({ functions }) => functionName === undefined || functions.length > 0);
}

const GAPS_SHOWN = 5;

/** Where a source lost nobody knows how many events: no number in the table can say it. The latest of each trigger. */
const gapLines = ({ triggers }: Report): string[] =>
  triggers.flatMap(({ kind, namespace, name, gaps }) =>
    gaps
      .slice(-GAPS_SHOWN)
      .map((each) => `${kind}/${namespace}/${name} has a gap from ${at(each.from)} to ${at(each.to)}: ${each.cause}.`),
  );

const at = (time: string | number): string => (typeof time === 'string' ? time : new Date(time).toISOString());

const rows = (ledger: Report): string[][] =>
  ledger.triggers.flatMap((trigger) =>
    trigger.functions.map((each) => [
      `${trigger.kind}/${trigger.namespace}/${trigger.name}`,
      each.name,
      String(each.read),
      String(each.filtered),
      String(each.claimed),
      String(each.delivered),
      String(each.rejected),
      withReasons(each.unknown),
      withReasons(each.droppedBeforeClaim, each.dropped),
      String(each.inFlight),
      String(trigger.gaps.length),
    ]),
  );

/** `3 (expired 2, overflow 1)`: dropped before and after the claim together, for a person they are one loss. */
function withReasons(...counts: Readonly<Record<string, number>>[]): string {
  const sums: Record<string, number> = {};
  for (const [reason, n] of counts.flatMap((each) => Object.entries(each))) sums[reason] = (sums[reason] ?? 0) + n;
  const named = Object.entries(sums).filter(([, n]) => n > 0);
  if (named.length === 0) return '0';
  return `${total(sums)} (${named.map(([reason, n]) => `${reason} ${n}`).join(', ')})`;
}
