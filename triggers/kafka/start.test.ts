import { expect, test } from 'vitest';
import { kafkaTriggerSpec } from './spec.ts';
import { type GroupMemory, startOf } from './start.ts';

const spec = (more: object) => kafkaTriggerSpec.parse({ topic: 'orders', ...more });
const at = (offset: number, partition = 0) => ({ partition, offset, metadata: null });
const knows = (partitions: number, ...positioned: number[]): GroupMemory => ({ partitions, positioned });

test.each<[string, number, [number, number], object, string, number]>([
  ['a position in the middle', 5, [0, 9], {}, 'stored', 5],
  ['a position at the first offset', 3, [3, 9], {}, 'stored', 3],
  ['a position at the end', 9, [3, 9], {}, 'stored', 9],
  ['a position in an empty partition', 9, [9, 9], {}, 'stored', 9],
  ['no position', -1, [3, 9], {}, 'first', 9],
  ['no position, startFrom newest', -1, [3, 9], { startFrom: 'newest' }, 'first', 9],
  ['no position, startFrom earliest', -1, [3, 9], { startFrom: 'earliest' }, 'first', 3],
  ['events before it that are gone', 2, [3, 9], {}, 'held', 2],
  ['a position behind the end', 10, [3, 9], {}, 'held', 10],
  ['events that are gone, onOffsetsLost newest', 2, [3, 9], { onOffsetsLost: 'newest' }, 'moved', 9],
  ['events that are gone, onOffsetsLost earliest', 2, [3, 9], { onOffsetsLost: 'earliest' }, 'moved', 3],
  ['a position behind the end, onOffsetsLost earliest', 10, [3, 9], { onOffsetsLost: 'earliest' }, 'moved', 3],
  ['a position behind the end, onOffsetsLost newest', 10, [3, 9], { onOffsetsLost: 'newest' }, 'moved', 9],
])('%s: from %i where the broker has %j, %j → %s at %i', (_, offset, [low, high], more, type, start) => {
  expect(startOf(at(offset), { low, high }, spec(more), undefined)).toMatchObject({ type, offset: start });
});

test.each<[string, number, number | undefined]>([
  ['newest', 2, 7],
  ['earliest', 2, 1],
  ['newest', 12, undefined],
  ['earliest', 12, undefined],
])('%s from %i: %s events were lost, where that is known', (onOffsetsLost, offset, lost) => {
  expect(startOf(at(offset), { low: 3, high: 9 }, spec({ onOffsetsLost }), undefined)).toMatchObject({ passed: lost });
});

test('a position that is held says what was found and what can be done', () => {
  const start = startOf(at(2, 7), { low: 3, high: 9 }, spec({}), undefined);
  expect(start).toMatchObject({
    message:
      'position 2 of partition 7 is gone: orders has 3 to 9 now; set spec.onOffsetsLost to newest or earliest to go on',
  });
});

test('a position that the broker has forgotten is lost, where one is remembered', () => {
  const gone = (more: object, memory: GroupMemory) => startOf(at(-1, 1), { low: 3, high: 9 }, spec(more), memory);
  expect(gone({}, knows(4, 0, 1))).toMatchObject({ type: 'held', message: expect.stringMatching(/forgotten/) });
  expect(gone({ onOffsetsLost: 'newest' }, knows(4, 1))).toMatchObject({ type: 'moved', offset: 9, passed: undefined });
  expect(gone({ startFrom: 'newest' }, knows(4, 0))).toMatchObject({ type: 'first', offset: 9 });
});

test('a partition that was added later starts at its beginning: its first events were meant for us', () => {
  const added = (memory: GroupMemory | undefined) => startOf(at(-1, 4), { low: 0, high: 9 }, spec({}), memory);
  expect(added(knows(4, 0, 1, 2, 3))).toMatchObject({ type: 'first', offset: 0 });
  expect(added(knows(5, 0, 1, 2, 3))).toMatchObject({ type: 'first', offset: 9 });
  expect(added(undefined)).toMatchObject({ type: 'first', offset: 9 });
});

test('a function that was away resumes, or goes on at the newest event and counts what passed', () => {
  const back = (offset: number, more: object, memory = knows(4, 0)) =>
    startOf(at(offset), { low: 3, high: 9 }, spec(more), memory, true);
  const newest = { onRejoin: 'newest' };
  expect(back(5, {})).toMatchObject({ type: 'stored', offset: 5 });
  expect(back(5, newest)).toMatchObject({ type: 'moved', offset: 9, passed: 4, reason: 'paused_skip' });
  expect(back(1, newest)).toMatchObject({ type: 'moved', offset: 9, passed: 8 });
  expect(back(-1, newest)).toMatchObject({ type: 'moved', offset: 9, passed: undefined });
  // A position that is not of ours: a function that is new here takes it over from Kubeless.
  expect(back(5, newest, knows(4))).toMatchObject({ type: 'stored', offset: 5 });
});
