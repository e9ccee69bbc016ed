import { z } from 'zod';
import { TrigateError } from '../../domain/errors.ts';
import { total } from '../../domain/ledger.ts';
import type { Session } from '../shell.ts';
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
const report = z.looseObject({
  balanced: z.boolean(),
  triggers: z.array(
    z.looseObject({
      kind: z.string(),
      namespace: z.string(),
      name: z.string(),
      gaps: z.array(z.unknown()).default([]),
      functions: z.array(functionRow),
    }),
  ),
});

const HEADS = ['TRIGGER', 'FUNCTION', 'READ', 'FILTERED', 'CLAIMED', 'DELIVERED', 'REJECTED', 'UNKNOWN', 'DROPPED'];
const COLUMNS = [...HEADS, 'IN FLIGHT', 'GAPS'];

/** Prints the counts of every trigger and function. @throws TrigateError INTERNAL when they do not add up */
export async function showLedger({ gateway, terminal, messages }: Session, output: string | undefined): Promise<void> {
  if (output !== undefined && output !== 'json') {
    throw new TrigateError('INVALID_ARGUMENT', `Output format needs to be json, found ${JSON.stringify(output)}.`);
  }
  const ledger = await gateway.get('/v1/ledger', report);
  if (output === 'json') terminal.stdout.write(`${JSON.stringify(ledger, null, 2)}\n`);
  else terminal.stdout.write(formatTable(COLUMNS, rows(ledger)));
  if (!ledger.balanced)
    throw new TrigateError('INTERNAL', 'The ledger does not balance: some copies are not accounted.');
  if (output === undefined) messages.info('The ledger balances.');
}

const rows = (ledger: z.infer<typeof report>): string[][] =>
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
