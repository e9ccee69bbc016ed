import { afterEach, describe, expect, test } from 'vitest';
import { CronMember, type MemberOptions, pass, SharedStatus } from '../../test/support/cron-member.ts';
import { Ahead, MOST_AHEAD_MS } from './ahead.ts';
import { cronJobTriggerSpec } from './spec.ts';

// The clock of a member starts at 2027-01-31 12:00 UTC; ticks come every ten seconds and are claimed four ahead.

const members: CronMember[] = [];
const open = async (status: SharedStatus, options?: MemberOptions) => {
  const member = await CronMember.open(status, { leadMs: 4_000, ...options });
  members.push(member);
  return member;
};
afterEach(async () => {
  for (const member of members.splice(0)) await member.close();
});

const at = (time: string) => `2027-01-31T${time}.000Z`;
const claimed = ({ record }: SharedStatus) => record.open.map(({ key }) => key);

describe('a claim ahead', () => {
  test('is as far ahead as the triggers of the process need, and no more than half way back to the tick before', () => {
    const ahead = new Ahead();
    const of = () => Array.from({ length: 200 }, (_, i) => ahead.of(1_000_000, 900_000, `${i}`));
    expect(Math.max(...of())).toBe(1_000);
    const leave = Array.from({ length: 500 }, () => ahead.join());
    expect(Math.min(...of())).toBeLessThan(1_100);
    expect(Math.max(...of())).toBeGreaterThan(2_900);
    expect(Math.max(...of())).toBeLessThan(3_000);
    for (let i = 0; i < 10_000; i++) leave.push(ahead.join());
    expect(Math.max(...of())).toBeLessThan(MOST_AHEAD_MS);
    expect(ahead.of(1_000_000, 999_000, 'n')).toBe(500);
    for (const each of leave) each();
    expect(Math.max(...of())).toBe(1_000);
  });

  test('fires in the second of its tick, not before, and says how late it is', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    await pass([member], 7_000);
    expect(claimed(status)).toEqual([at('12:00:10')]);
    await pass([member], 2_900);
    expect(member.fired).toEqual([]);
    expect(member.bench.balanced).toBe(true);
    await pass([member], 200);
    expect(member.fired).toEqual([at('12:00:10')]);
    const headers = member.bench.f().calls[0]?.request.headers ?? [];
    expect(headers[headers.indexOf('event-lateness') + 1]).toBe('0ms');
  });

  test('is not made for a function that has no endpoint', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    member.bench.move('f', undefined);
    await pass([member], 9_000);
    expect(claimed(status)).toEqual([]);
    member.bench.move('f', 'http://f/');
    await pass([member], 2_000);
    expect(member.fired).toEqual([at('12:00:10')]);
  });

  test('is not made with Replace: other processes would give up their calls before the time', async () => {
    const status = new SharedStatus();
    const member = await open(status, { spec: { concurrencyPolicy: 'Replace' } });
    await pass([member], 9_900);
    expect(claimed(status)).toEqual([]);
    await pass([member], 200);
    expect(member.fired).toEqual([at('12:00:10')]);
  });

  test('with Forbid waits for the earlier call', async () => {
    const status = new SharedStatus();
    const member = await open(status, { takes: 8_000, spec: { concurrencyPolicy: 'Forbid' } });
    await pass([member], 17_500);
    expect(claimed(status)).toEqual([at('12:00:10')]);
    await pass([member], 1_500);
    expect(claimed(status)).toEqual([at('12:00:20')]);
    await pass([member], 2_000);
    expect(member.fired).toEqual([at('12:00:10'), at('12:00:20')]);
  });
});

describe('between the claim and the tick', () => {
  test('a process that is killed leaves it in doubt: nobody fires it, and it is unknown(crash)', async () => {
    const status = new SharedStatus();
    const dying = await open(status);
    await pass([dying], 7_000);
    dying.kill();
    const other = await open(status);
    await pass([other], 200_000, 1_000);
    expect([...dying.fired, ...other.fired]).not.toContain(at('12:00:10'));
    expect(status.record.counts.f?.unknown.crash).toBe(1);
    expect(other.bench.balanced).toBe(true);
  });

  test('a process that stops gives it back, and the next one fires it in time', async () => {
    const status = new SharedStatus();
    const first = await open(status);
    const before = status.record;
    await pass([first], 7_000);
    await first.close();
    expect(status.record).toMatchObject({
      open: [],
      decidedThrough: before.decidedThrough,
      lastClaimedTick: undefined,
      counts: before.counts,
    });
    const second = await open(status, { skew: 7_000 });
    await pass([second], 5_000);
    expect(second.fired).toEqual([at('12:00:10')]);
    expect(second.bench.report()).toMatchObject({ read: 1, claimed: 1, delivered: 1 });
  });

  test('an edit lets it go: the next spec has the tick, once', async () => {
    const status = new SharedStatus();
    const first = await open(status);
    await pass([first], 7_000);
    status.spec = cronJobTriggerSpec.parse({ schedule: '@every 10s', 'function-name': 'f', payload: 'new' });
    status.tell();
    await pass([first], 10_000);
    expect(first.fired).toEqual([]);
    expect(claimed(status)).toEqual([]);
    const second = await open(status, { skew: 17_000, spec: { payload: 'new' } });
    await pass([second], 1_000);
    expect(second.fired).toEqual([at('12:00:10')]);
  });

  test('an edit of the schedule goes on from now: nothing of it is lost to the claim, nothing comes from before', async () => {
    const status = new SharedStatus();
    const first = await open(status, { spec: { schedule: '@every 20s' } });
    await pass([first], 17_000);
    // The other process hears of it first.
    const second = await open(status, { skew: 17_000, spec: { schedule: '@every 1s' } });
    expect(status.record.decidedThrough).toBe(Date.parse(at('12:00:20')));
    status.spec = cronJobTriggerSpec.parse({ schedule: '@every 1s', 'function-name': 'f' });
    await first.close();
    await pass([second], 3_200);
    expect(first.fired).toEqual([]);
    expect(second.fired).toEqual([at('12:00:18'), at('12:00:19'), at('12:00:20')]);
    expect(status.record.counts.f?.read).toBe(second.bench.report().read);
  });

  test('suspended: it does not fire, and is counted as paused_skip afterwards', async () => {
    const status = new SharedStatus();
    const first = await open(status);
    await pass([first], 7_000);
    await first.close();
    const suspended = await open(status, { skew: 7_000, spec: { suspend: true } });
    await pass([suspended], 10_000);
    await suspended.close();
    const resumed = await open(status, { skew: 17_000 });
    expect(resumed.bench.report()).toMatchObject({ read: 1, droppedBeforeClaim: { paused_skip: 1 } });
  });

  test('a machine that sleeps through its deadline drops it as expired, unless missed ticks are wanted', async () => {
    const sleepy = async (missed: string) => {
      const status = new SharedStatus();
      const member = await open(status, { spec: { missed } });
      await pass([member], 7_000);
      member.skew = 40_000;
      await pass([member], 4_000);
      return { member, status };
    };
    const skipping = await sleepy('skip');
    expect(skipping.member.fired).not.toContain(at('12:00:10'));
    expect(skipping.member.bench.report()).toMatchObject({ dropped: { expired: 1 } });
    expect(skipping.member.bench.balanced).toBe(true);
    const all = await sleepy('all');
    expect(all.member.fired).toContain(at('12:00:10'));
  });

  test('a process that is frozen past its lease drops what the others have counted', async () => {
    const status = new SharedStatus();
    const frozen = await open(status, { spec: { startingDeadlineSeconds: 3_600 } });
    await pass([frozen], 7_000);
    const other = await open(status, { skew: 7_000, spec: { startingDeadlineSeconds: 3_600 } });
    await pass([other], 200_000, 1_000);
    expect(status.record.counts.f?.unknown.crash).toBe(1);
    await pass([frozen], 200_000, 200_000);
    await pass([frozen, other], 10_000);
    expect([...frozen.fired, ...other.fired].filter((tick) => tick === at('12:00:10'))).toEqual([]);
    const ids = [...frozen.ids, ...other.ids];
    expect(new Set(ids).size).toBe(ids.length);
    expect(status.record.counts.f?.unknown.crash).toBe(1);
  });

  test('a clock that is set back by an hour gives it back; another process may have it', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    await pass([member], 7_000);
    member.skew = -3_600_000;
    await pass([member], 5_000);
    expect(member.fired).toEqual([]);
    expect(claimed(status)).toEqual([]);
    const other = await open(status, { skew: 7_000 });
    await pass([other], 4_000);
    expect(other.fired).toEqual([at('12:00:10')]);
  });

  test('an API server that is away does not delay it; a claim that cannot be given back stays in doubt', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    await pass([member], 7_000);
    status.isDown = true;
    await pass([member], 4_000);
    expect(member.fired).toEqual([at('12:00:10')]);
    status.isDown = false;
    await pass([member], 6_500);
    status.isDown = true;
    await member.close();
    expect(claimed(status)).toEqual([at('12:00:20')]);
    status.isDown = false;
    const next = await open(status, { alone: true, skew: 30_000 });
    expect(next.fired).not.toContain(at('12:00:20'));
    expect(status.record.counts.f?.unknown.crash).toBe(1);
  });

  test('given back without an answer, and claimed by another one since: that claim is not taken away', async () => {
    const status = new SharedStatus();
    const first = await open(status);
    await pass([first], 7_000);
    const other = await open(status, { skew: 7_000, takes: 2_000 });
    status.fate = () => {
      status.isDown = true;
      return 'storedUnsaid';
    };
    const closed = first.close();
    await pass([first], 10);
    status.fate = () => 'answered';
    status.isDown = false;
    await pass([other], 4_000);
    expect(other.fired).toEqual([at('12:00:10')]);
    expect(status.record.open).toMatchObject([{ key: at('12:00:10') }]);
    await pass([first], 1_000);
    await closed;
    await pass([other], 4_500);
    expect(other.fired).toEqual([at('12:00:10')]);
    expect(status.record.counts.f).toMatchObject({ claimed: 1, delivered: 1 });
    expect([first, other].map(({ bench }) => bench.balanced)).toEqual([true, true]);
    expect(other.bench.report()).toMatchObject({ claimed: 1, delivered: 1 });
  });
});
