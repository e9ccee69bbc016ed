import { expect, it } from 'vitest';
import type { Clock } from '../../src/sdk.ts';
import { createHand } from './hand.ts';
import type { StoredEvent } from './reader.ts';

const stored = (seq: number, change: Partial<StoredEvent> = {}): StoredEvent => ({
  seq,
  topic: 't',
  time: 1_000,
  key: undefined,
  headers: {},
  size: 1,
  data: new Uint8Array(1),
  ...change,
});
const clock: Clock = { now: () => 2_000, monotonic: () => 0, after: () => () => {} };

it('decides from the front, in order, and stops at the first event for which there is no room', () => {
  const hand = createHand(undefined, clock);
  hand.add([
    stored(1),
    stored(2, { data: undefined }),
    stored(3),
    stored(4, { data: undefined }),
    stored(5),
    stored(6),
  ]);
  const first = hand.decide(2);
  expect(first.claim.map(({ seq }) => seq)).toEqual([1, 3]);
  expect(first.drop.map(({ event, reason }) => [event.seq, reason])).toEqual([
    [2, 'too_large'],
    [4, 'too_large'],
  ]);
  expect(first.through).toBe(4);
  expect(hand.decide(0)).toEqual({ claim: [], drop: [], through: 0 });
  expect(hand.size).toBe(2);
});

it('finds an event expired that is older than maxAge, and not one that is just as old', () => {
  const hand = createHand(1_000, clock);
  hand.add([stored(1, { time: 999 }), stored(2, { time: 1_000 })]);
  expect(hand.decide(5)).toMatchObject({ claim: [{ seq: 2 }], drop: [{ reason: 'expired' }], through: 2 });
});

it('puts away what the log has removed', () => {
  const hand = createHand(undefined, clock);
  hand.add([stored(1), stored(2), stored(3)]);
  hand.forget(new Set([1, 3]));
  expect(hand.decide(5).claim.map(({ seq }) => seq)).toEqual([2]);
});
