import { describe, expect, test } from 'vitest';
import type { Room } from './kind.ts';
import { roomUnlessStopped } from './room.ts';

/** A gate that answers when the test says so. */
function setUp() {
  const asked: unknown[][] = [];
  const granted = Promise.withResolvers<Room>();
  let released = 0;
  const room = (size: number): Room => ({
    size,
    reason: 'shutdown',
    pass() {
      throw new Error('nothing is passed here');
    },
    release: () => void released++,
  });
  const gate = {
    reserve(...args: unknown[]) {
      asked.push(args);
      return granted.promise;
    },
  };
  const stopping = new AbortController();
  return { asked, gate, granted, room, stopping, released: () => released };
}

describe('roomUnlessStopped', () => {
  test.each([0, 3])('answers what the gate grants: %s', async (size) => {
    const { asked, gate, granted, room, stopping, released } = setUp();
    const answer = roomUnlessStopped(gate, stopping.signal, 5, 100);
    const expected = room(size);
    granted.resolve(expected);
    expect(await answer).toBe(expected);
    expect(asked).toEqual([[5, 100]]);
    stopping.abort();
    expect(released()).toBe(0);
  });

  test('ends with the source, and gives back what comes afterwards', async () => {
    const { gate, granted, room, stopping, released } = setUp();
    const answer = roomUnlessStopped(gate, stopping.signal, 5);
    stopping.abort();
    expect(await answer).toBeUndefined();
    granted.resolve(room(3));
    await granted.promise;
    expect(released()).toBe(1);
  });

  test('asks for nothing when the source has stopped', async () => {
    const { asked, gate, stopping } = setUp();
    stopping.abort();
    expect(await roomUnlessStopped(gate, stopping.signal, 5)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('rejects as the gate does', async () => {
    const { gate, granted, stopping } = setUp();
    const answer = roomUnlessStopped(gate, stopping.signal, 5);
    granted.reject(new Error('no gate'));
    await expect(answer).rejects.toThrow('no gate');
  });
});
