import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { byDeadline, systemClock } from './clock.ts';

const DAY = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([1, 20, 25, 60, 400])('calls back after %i days, and not before', async (days) => {
  const callback = vi.fn();
  systemClock.after(days * DAY, callback);
  await vi.advanceTimersByTimeAsync(days * DAY - 1);
  expect(callback).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(callback).toHaveBeenCalledOnce();
});

test.each([10, 30])('what was to come after 60 days is cancelled after %i', async (days) => {
  const callback = vi.fn();
  const cancel = systemClock.after(60 * DAY, callback);
  await vi.advanceTimersByTimeAsync(days * DAY);
  cancel();
  expect(vi.getTimerCount()).toBe(0);
});

describe('byDeadline', () => {
  test('waits for the work, and leaves no timer behind', async () => {
    const work = Promise.withResolvers<string>();
    const waiting = byDeadline(systemClock, systemClock.monotonic() + 1_000, work.promise);
    work.resolve('done');
    expect(await waiting).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('waits until the deadline at most; what fails afterwards harms nobody', async () => {
    const work = Promise.withResolvers<string>();
    const waiting = byDeadline(systemClock, systemClock.monotonic() + 1_000, work.promise);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waiting).toBe(false);
    work.reject(new Error('late'));
  });

  test('rejects as the work does, and leaves no timer behind', async () => {
    const waiting = byDeadline(systemClock, systemClock.monotonic() + 1_000, Promise.reject(new Error('in time')));
    await expect(waiting).rejects.toThrow('in time');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not wait when the deadline is over', async () => {
    const waiting = byDeadline(systemClock, systemClock.monotonic() - 5, new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(1);
    expect(await waiting).toBe(false);
  });
});
