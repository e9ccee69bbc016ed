import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

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
