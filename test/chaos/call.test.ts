import { describe, expect, test } from 'vitest';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { chaosOfCalls } from './call.ts';

describe.each(['http1', 'undici'] as const)('10,000 calls by %s to a server that breaks off at any byte:', (name) => {
  test('none is received twice or mixed with another, every outcome is what happened, and no connection is left', async () => {
    const createCaller = callers(name, { clock: systemClock, forbids: anyAddress });
    const report = await chaosOfCalls(createCaller, 10_000, 7);
    expect(report).toMatchObject({ twice: 0, mixed: 0, untrue: 0, leftOpen: 0 });
    expect(report.outcomes.invalid).toBe(0);
    expect(report.outcomes.answered).toBeGreaterThan(5_000);
    expect(report.outcomes.unknown).toBeGreaterThan(100);
  }, 60_000);
});
