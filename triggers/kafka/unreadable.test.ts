import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { UnreadablePartitions } from './unreadable.ts';

function setUp() {
  const clock = new ManualClock();
  const resumed: number[] = [];
  return { clock, resumed, partitions: new UnreadablePartitions({ clock, resume: (one) => void resumed.push(one) }) };
}

test('a partition that cannot be read is tried again after a minute, as often as it is found so', () => {
  const { clock, resumed, partitions } = setUp();
  for (let minutes = 1; minutes <= 3; minutes++) {
    partitions.add(4);
    clock.advance(59_999);
    expect(resumed.length).toBe(minutes - 1);
    clock.advance(1);
    expect(resumed.length).toBe(minutes);
  }
});

test('all is well when records have come of the last one', () => {
  const { partitions } = setUp();
  expect(partitions.healed(4)).toBe(false);
  partitions.add(4);
  partitions.add(5);
  expect([partitions.healed(4), partitions.healed(5), partitions.healed(5)]).toEqual([false, true, false]);
});

test('a new assignment tries all of them at once, and closing none', () => {
  const { clock, resumed, partitions } = setUp();
  partitions.add(4);
  partitions.add(5);
  partitions.restart();
  expect(resumed).toEqual([4, 5]);
  partitions.add(6);
  partitions.close();
  clock.advance(120_000);
  expect(resumed).toEqual([4, 5]);
});
