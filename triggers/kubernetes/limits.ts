import { TrigateError } from '../../src/sdk.ts';
import { type Member, rowSize } from './member.ts';

/** What one watch may hold in memory. */
export interface WatchLimits {
  readonly changes: number;
  readonly bytes: number;
  readonly objects: number;
  readonly contentBytes: number;
  /** Functions of all subscriptions: they share one object, which must stay below what an API server stores. */
  readonly rows: number;
  /** Bytes of that object that their rows may take, about. */
  readonly rowBytes: number;
  /** Functions that have left, and may come back to their position. */
  readonly leftRows: number;
  /** Milliseconds for which they may in any case. */
  readonly leftMs: number;
}

export const defaultLimits: WatchLimits = {
  changes: 8_192,
  bytes: 16 * 2 ** 20,
  objects: 100_000,
  contentBytes: 32 * 2 ** 20,
  rows: 2_000,
  rowBytes: 2 ** 20,
  leftRows: 200,
  leftMs: 600_000,
};

/** @throws TrigateError TOO_LARGE when the checkpoint of those that are there has no room for one more */
export function assertRoom(there: readonly Member[], joining: Member, { rows, rowBytes }: WatchLimits): void {
  const functions = there.reduce((sum, { subscription }) => sum + subscription.functions.length, 0);
  const bytes = there.reduce((sum, each) => sum + rowSize(each), rowSize(joining));
  if (functions + joining.subscription.functions.length <= rows && bytes <= rowBytes) return;
  throw new TrigateError(
    'TOO_LARGE',
    `The watch of ${joining.type.plural} serves ${functions} functions, as many as its checkpoint has room for: use another selector.`,
  );
}
