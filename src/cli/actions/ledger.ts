import { TrigateError } from '../../domain/errors.ts';
import { total } from '../../domain/ledger.ts';
import { triggerKey } from '../../domain/trigger.ts';
import { type Ledger, sumByReason } from '../ledger-sum.ts';
import { readLedger } from '../observed.ts';
import { checkObserved, type ObservedFlags } from '../observed-flags.ts';
import { formatObject, isForm, readOutput } from '../output.ts';
import type { Session } from '../shell.ts';
import { formatTable } from '../table.ts';

const HEADS = ['TRIGGER', 'FUNCTION', 'READ', 'FILTERED', 'CLAIMED', 'DELIVERED', 'REJECTED', 'UNKNOWN', 'DROPPED'];
const COLUMNS = [...HEADS, 'IN FLIGHT', 'GAPS'];

export interface LedgerFlags extends ObservedFlags {
  readonly output?: string | undefined;
  readonly headers?: boolean | undefined;
}

/** Prints the counts of triggers and functions. @throws TrigateError INTERNAL when those of all do not add up */
export async function showLedger(session: Session, flags: LedgerFlags = {}): Promise<void> {
  const { terminal, messages } = session;
  const output = readOutput(flags.output, ['json', 'yaml', 'jsonpath']);
  checkObserved(flags);
  const { ledger, silent } = await readLedger(session);
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
  if (silent > 0) throw new TrigateError('GATEWAY_UNREACHABLE', 'The ledger is not the whole one: see the warnings.');
  if (!isForm(output)) messages.info('The ledger balances.');
}

function chosen({ triggers }: Ledger, { kind, namespace, trigger, function: functionName }: LedgerFlags) {
  const is = (wanted: string | undefined, found: string) => wanted === undefined || wanted === found;
  return triggers
    .filter((each) => is(kind, each.kind) && is(namespace, each.namespace) && is(trigger, each.name))
    .map((each) => ({ ...each, functions: each.functions.filter(({ name }) => is(functionName, name)) }))
    .filter(({ functions }) => functionName === undefined || functions.length > 0);
}

const GAPS_SHOWN = 5;

/** Where a source lost nobody knows how many events: no number in the table can say it. The latest of each trigger. */
const gapLines = ({ triggers }: Ledger): string[] =>
  triggers.flatMap((trigger) =>
    trigger.gaps
      .slice(-GAPS_SHOWN)
      .map((each) => `${triggerKey(trigger)} has a gap from ${at(each.from)} to ${at(each.to)}: ${each.cause}.`),
  );

const at = (time: string | number): string => (typeof time === 'string' ? time : new Date(time).toISOString());

const rows = (ledger: Ledger): string[][] =>
  ledger.triggers.flatMap((trigger) =>
    trigger.functions.map((each) => [
      triggerKey(trigger),
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
  const sums = sumByReason(...counts);
  const named = Object.entries(sums).filter(([, n]) => n > 0);
  if (named.length === 0) return '0';
  return `${total(sums)} (${named.map(([reason, n]) => `${reason} ${n}`).join(', ')})`;
}
