import { expect, test } from 'vitest';
import type { Outcome } from '../../src/sdk.ts';
import { noCounts } from '../../src/sdk.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { decodeMetadata } from './metadata.ts';
import { OwnedPartition, type Taking } from './partition.ts';

const DELIVERED: Outcome = { type: 'delivered', status: 200, ms: 1 };
const TIMED_OUT: Outcome = { type: 'unknown', reason: 'timeout', ms: 9 };

function partition(functions: readonly string[] = ['f']) {
  let settled = 0;
  const owned = new OwnedPartition(3, 10, 'me', functions, new Map(), () => settled++);
  return { owned, settled: () => settled };
}

const taking = (offsets: readonly number[], position: number, dropped: Taking['dropped'] = []): Taking => ({
  offsets,
  dropped,
  position,
});
const said = (stored: { readonly offset: number; readonly metadata: string }) => ({
  offset: stored.offset,
  ...decodeMetadata(stored.metadata, ['f', 'g']),
});

test('what a claim would store changes nothing until the claim stands', () => {
  const { owned } = partition();
  const wanted = taking([10, 12], 14, ['too_large', 'expired']);
  const before = owned.stored();
  const stored = said(owned.storedWith(wanted));
  expect(stored).toMatchObject({ offset: 14, by: 'me', open: [10, 12] });
  expect(stored.counts?.get('f')).toMatchObject({
    read: 4,
    claimed: 2,
    droppedBeforeClaim: { too_large: 1, expired: 1 },
  });
  expect([owned.stored(), owned.position, owned.unsettled]).toEqual([before, 10, 0]);
  owned.claimed(wanted);
  expect(said(owned.stored())).toEqual(stored);
  expect([owned.position, owned.unsettled]).toEqual([14, 2]);
});

test('an event is settled when all its copies are, and is not stored until then', () => {
  const { owned, settled } = partition(['f', 'g']);
  const chunk = owned.claimed(taking([10, 11], 12));
  owned.stored();
  expect(owned.isDirty).toBe(false);
  owned.settled(10, [DELIVERED, TIMED_OUT], chunk);
  expect([owned.isDirty, settled(), owned.unsettled]).toEqual([true, 1, 1]);
  const stored = said(owned.stored());
  expect(stored.open).toEqual([11]);
  expect(stored.counts?.get('f')).toMatchObject({ claimed: 2, delivered: 1 });
  expect(stored.counts?.get('g')).toMatchObject({ claimed: 2, delivered: 0, unknown: { timeout: 1 } });
  expect(owned.isDirty).toBe(false);
});

test('what another owner has is neither settled nor counted here, and is told to its passages once', () => {
  const { owned, settled } = partition();
  let disowned = 0;
  const passage = { disown: () => void disowned++, abort() {} };
  const first = owned.claimed(taking([10], 11));
  const second = owned.claimed(taking([11, 12], 13));
  first.passage = passage;
  second.passage = passage;
  owned.settled(10, [DELIVERED], first);
  owned.lose();
  owned.lose();
  owned.settled(11, [DELIVERED], second);
  expect([disowned, settled(), owned.isOurs]).toEqual([1, 1, false]);
  expect(owned.counts.get('f')).toMatchObject({ claimed: 3, delivered: 1 });
});

test('an offset that is settled twice, or was never claimed, counts once or not at all', () => {
  const { owned } = partition();
  const chunk = owned.claimed(taking([10], 12));
  owned.settled(10, [DELIVERED], chunk);
  owned.settled(10, [DELIVERED], chunk);
  owned.settled(11, [DELIVERED], chunk);
  expect(owned.counts.get('f')?.delivered).toBe(1);
});

test('counts of functions that are selected no more go on with the partition', () => {
  const gone = { ...noCounts(), read: 7, claimed: 7, delivered: 7 };
  const owned = new OwnedPartition(0, 7, 'me', ['f'], new Map([['gone', gone]]), () => {});
  owned.claimed(taking([7], 8));
  expect(said(owned.stored()).counts?.get('gone')).toEqual(gone);
});

test('whoever waits for room in the window is woken by what is settled next, or by time', async () => {
  const clock = new ManualClock();
  const { owned } = partition();
  const chunk = owned.claimed(taking([10], 11));
  const woken = owned.advanced(clock, 1_000);
  owned.settled(10, [DELIVERED], chunk);
  await woken;
  expect(clock.pending).toBe(0);
  const timed = owned.advanced(clock, 1_000);
  clock.advance(1_000);
  await timed;
});
