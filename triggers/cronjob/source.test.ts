import { afterEach, describe, expect, test } from 'vitest';
import { CronMember, type MemberOptions, pass, SharedStatus, UID } from '../../test/support/cron-member.ts';
import { withRequest } from './record.ts';

// The clock of a member starts at 2027-01-31 12:00 UTC.

const members: CronMember[] = [];
const open = async (status: SharedStatus, options?: MemberOptions) => {
  const member = await CronMember.open(status, options);
  members.push(member);
  return member;
};
afterEach(async () => {
  for (const member of members.splice(0)) await member.close();
});

const at = (time: string) => `2027-01-31T${time}.000Z`;

describe('a cron trigger', () => {
  test('fires each tick once, with its scheduled time, and stores what came of it', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    await pass([member], 35_000);
    expect(member.fired).toEqual([at('12:00:10'), at('12:00:20'), at('12:00:30')]);
    expect(member.bench.report()).toMatchObject({ read: 3, claimed: 3, delivered: 3, inFlight: 0 });
    expect(status.record.counts.f).toMatchObject({ read: 3, claimed: 3, delivered: 3 });
    expect(status.record).toMatchObject({ open: [], lastFinishedTick: Date.parse(at('12:00:30')) });
  });

  test('is a GET without a payload, and a POST of JSON with one', async () => {
    const member = await open(new SharedStatus());
    const posting = await open(new SharedStatus(), { spec: { payload: { a: [1] } } });
    await pass([member, posting], 10_000);
    const [get] = member.bench.f().calls;
    const headers = get === undefined ? [] : [...get.request.common, ...get.request.headers];
    const value = (name: string) => headers[headers.indexOf(name) + 1];
    expect(get?.request.method).toBe('GET');
    expect(get?.request.body).toHaveLength(0);
    expect(value('event-scheduled-time')).toBe(at('12:00:10'));
    expect(value('ce-time')).toBe(at('12:00:10'));
    expect(value('content-type')).toBe('application/json');
    expect(headers).not.toContain('event-topic');
    const [post] = posting.bench.f().calls;
    expect(post?.request.method).toBe('POST');
    expect(new TextDecoder().decode(post?.request.body)).toBe('{"a":[1]}');
  });

  test('goes on after a restart where it stopped, and counts what it missed', async () => {
    const status = new SharedStatus();
    const first = await open(status);
    await pass([first], 12_000);
    await first.close();
    const second = await open(status, { alone: true });
    second.skew = 5 * 60_000;
    await pass([second], 35_000);
    expect(second.fired.at(-1)).toBe(at('12:05:30'));
    const { delivered, read, droppedBeforeClaim } = second.bench.report();
    // Ticks of the last 30 s before it looked are not too late.
    expect(droppedBeforeClaim.missed).toBeGreaterThan(20);
    expect(read).toBe(delivered + (droppedBeforeClaim.missed ?? 0));
    expect(new Set([...first.ids, ...second.ids]).size).toBe(first.ids.length + second.ids.length);
  });

  test('counts what a dead predecessor left open as unknown(crash)', async () => {
    const status = new SharedStatus();
    const dying = await open(status, { takes: undefined });
    await pass([dying], 12_000);
    dying.kill();
    const alone = await open(status, { alone: true });
    expect(alone.bench.report()).toMatchObject({ claimed: 1, unknown: { crash: 1 } });
    expect(status.record.open).toEqual([]);
  });
});

describe('several processes', () => {
  test('fire each tick once between them, and their ledgers add up to what is stored', async () => {
    const status = new SharedStatus();
    const all = [await open(status), await open(status), await open(status)];
    await pass(all, 201_000);
    expect(all.flatMap(({ fired }) => fired).sort()).toHaveLength(20);
    expect(new Set(all.flatMap(({ ids }) => ids)).size).toBe(20);
    const rows = all.map(({ bench }) => bench.report());
    expect(rows.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(20);
    expect(all.every(({ bench }) => bench.balanced)).toBe(true);
  });

  test('keep the lease of a call that takes long', async () => {
    const status = new SharedStatus();
    const slow = await open(status, { takes: 600_000 });
    const other = await open(status);
    await pass([slow], 10_500);
    slow.bench.f().takes(5);
    expect(slow.fired).toHaveLength(1);
    await pass([slow, other], 590_000, 1_000);
    expect(status.record.counts.f?.unknown.crash).toBe(0);
    await pass([slow, other], 20_000);
    expect(status.record.open).toEqual([]);
    slow.kill();
    await pass([other], 100);
  });

  test('count the open tick of a killed one when its lease is over', async () => {
    const status = new SharedStatus();
    const dying = await open(status, { takes: undefined });
    await pass([dying], 12_000);
    dying.kill();
    const other = await open(status);
    await pass([other], 150_000, 1_000);
    expect(status.record.counts.f?.unknown.crash).toBe(0);
    await pass([other], 60_000, 1_000);
    expect(status.record.counts.f?.unknown.crash).toBe(1);
    expect(other.bench.balanced).toBe(true);
  });
});

test('a lease that ends while the API server is away is counted when it is back', async () => {
  const status = new SharedStatus();
  const dying = await open(status, { takes: undefined });
  await pass([dying], 12_000);
  dying.kill();
  const other = await open(status);
  status.isDown = true;
  await pass([other], 220_000, 1_000);
  expect(other.statuses.at(-1)).toMatchObject({ type: 'disconnected', reason: 'StoreUnreachable' });
  status.isDown = false;
  await pass([other], 20_000, 1_000);
  expect(other.statuses.at(-1)).toMatchObject({ type: 'connected' });
  expect(status.record.counts.f?.unknown.crash).toBe(1);
  expect(other.bench.balanced).toBe(true);
});

test('closing ends by its deadline while the API server is silent, and the next one counts what was claimed', async () => {
  const status = new SharedStatus();
  const held = await open(status);
  await pass([held], 9_500);
  expect(status.record.open).toMatchObject([{ tick: Date.parse(at('12:00:10')) }]);
  status.isSilent = true;
  const { clock } = held.bench;
  const from = clock.monotonic();
  await held.close();
  expect(clock.monotonic() - from).toBeLessThanOrEqual(5_500);
  expect(held.fired).toEqual([]);
  status.isSilent = false;
  const next = await open(status, { alone: true });
  expect(next.bench.report()).toMatchObject({ claimed: 1, unknown: { crash: 1 } });
  expect(status.record.open).toEqual([]);
});

describe('a claim without an answer', () => {
  test('fires once when our own nonce is stored', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    status.fate = () => 'storedUnsaid';
    await pass([member], 31_000);
    expect(member.fired).toEqual([at('12:00:10'), at('12:00:20'), at('12:00:30')]);
    expect(new Set(member.ids).size).toBe(3);
    status.fate = () => 'answered';
    await pass([member], 2_000);
    expect(member.bench.report()).toMatchObject({ claimed: 3, delivered: 3 });
  });

  test('is made again when nothing was stored', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    let left = 2;
    status.fate = () => (left-- > 0 ? 'lost' : 'answered');
    await pass([member], 15_000);
    expect(member.fired).toEqual([at('12:00:10')]);
    expect(member.bench.report()).toMatchObject({ claimed: 1, delivered: 1 });
  });

  test('is not fired by anybody twice while the API server comes and goes', async () => {
    const status = new SharedStatus();
    const all = [await open(status), await open(status)];
    let n = 0;
    status.fate = () => (['answered', 'storedUnsaid', 'lost'] as const)[n++ % 3] ?? 'answered';
    await pass(all, 100_000);
    status.isDown = true;
    await pass(all, 60_000);
    status.isDown = false;
    status.fate = () => 'answered';
    await pass(all, 41_000);
    const ids = all.flatMap((each) => each.ids);
    expect(new Set(ids).size).toBe(ids.length);
    const { read, delivered, droppedBeforeClaim, dropped } = status.record.counts.f ?? expect.fail();
    expect(read).toBe(delivered + droppedBeforeClaim.missed + dropped.claim_lost + dropped.expired);
    expect(read).toBe(20);
    expect(all.every(({ bench }) => bench.balanced)).toBe(true);
  });
});

describe('a clock that is set', () => {
  test('forward by an hour: what was jumped over is missed, nothing comes twice', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    await pass([member], 12_000);
    member.skew = 3_600_000;
    await pass([member], 30_000);
    expect(member.fired.at(-1)).toBe(at('13:00:40'));
    expect(new Set(member.fired).size).toBe(member.fired.length);
    const { read, delivered, droppedBeforeClaim } = member.bench.report();
    expect(read).toBe(delivered + (droppedBeforeClaim.missed ?? 0));
    expect(read).toBe(364);
  });

  test('back by an hour: nothing fires until it has caught up, and it says so', async () => {
    const status = new SharedStatus();
    const member = await open(status);
    await pass([member], 12_000);
    member.skew = -3_600_000;
    await pass([member], 60_000);
    expect(member.fired).toEqual([at('12:00:10')]);
    expect(member.statuses.at(-1)?.message).toContain(
      'the clock was set back: nothing fires before 2027-01-31T12:00:10',
    );
    member.skew = 0;
    await pass([member], 20_000);
    expect(member.fired.length).toBeGreaterThan(1);
    expect(member.statuses.at(-1)?.message).toBe('fires @every 10s in UTC');
    expect(new Set(member.fired).size).toBe(member.fired.length);
  });
});

describe('the policies', () => {
  const sleepAnHour = async (spec: MemberOptions['spec']) => {
    const status = new SharedStatus();
    const member = await open(status, { spec: { schedule: '*/10 * * * *', ...spec } });
    member.skew = 3_605_000 + 300_000;
    await pass([member], 20_000);
    return member;
  };

  test('missed: skip counts, one fires the latest, all fires each in order', async () => {
    const skipping = await sleepAnHour({ missed: 'skip' });
    expect(skipping.fired).toEqual([]);
    expect(skipping.bench.report().droppedBeforeClaim).toEqual({ missed: 6 });
    const one = await sleepAnHour({ missed: 'one' });
    expect(one.fired).toEqual([at('13:00:00')]);
    expect(one.bench.report().droppedBeforeClaim).toEqual({ missed: 5 });
    const all = await sleepAnHour({ missed: 'all' });
    expect(all.fired).toEqual(['12:10', '12:20', '12:30', '12:40', '12:50', '13:00'].map((time) => at(`${time}:00`)));
  });

  test('Forbid: a tick waits for the earlier call within its deadline, then it is missed', async () => {
    const member = await open(new SharedStatus(), {
      takes: 45_000,
      spec: { concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 15 },
    });
    await pass([member], 60_000);
    expect(member.fired).toEqual([at('12:00:10'), at('12:00:40')]);
    expect(member.bench.report()).toMatchObject({ claimed: 2, delivered: 1, inFlight: 1 });
    expect(member.bench.report().droppedBeforeClaim.missed).toBe(2);
  });

  test('Replace: the next tick gives up the call of the one before', async () => {
    const member = await open(new SharedStatus(), { takes: 15_000, spec: { concurrencyPolicy: 'Replace' } });
    await pass([member], 35_000);
    expect(member.fired).toHaveLength(3);
    expect(member.bench.report()).toMatchObject({ claimed: 3, unknown: { aborted: 2 }, inFlight: 1 });
  });

  test('Replace: also when another process claims the next tick', async () => {
    const status = new SharedStatus();
    const spec = { concurrencyPolicy: 'Replace' };
    const slow = await open(status, { takes: 600_000, spec });
    await pass([slow], 10_500);
    const other = await open(status, { spec });
    await pass([other], 20_500);
    await pass([slow, other], 1_000);
    expect(slow.bench.f().aborts).toEqual(['aborted']);
    expect(status.record.counts.f?.unknown.aborted).toBe(1);
  });

  test('suspend: nothing fires, and what passed is counted as paused_skip afterwards', async () => {
    const status = new SharedStatus();
    const suspended = await open(status, { spec: { suspend: true } });
    await pass([suspended], 25_000);
    expect(suspended.fired).toEqual([]);
    await suspended.close();
    await suspended.bench.run(100);
    const resumed = await open(status, { skew: 60_000 });
    await pass([resumed], 15_000);
    expect(resumed.fired).toEqual([at('12:01:10')]);
    const { read, delivered, droppedBeforeClaim } = status.record.counts.f ?? expect.fail();
    expect({ read, delivered }).toEqual({ read: 7, delivered: 1 });
    expect(droppedBeforeClaim.paused_skip).toBe(6);
    expect(resumed.bench.report()).toMatchObject({ read: 7, delivered: 1, droppedBeforeClaim: { paused_skip: 6 } });
  });
});

describe('fired by hand', () => {
  const ask = (status: SharedStatus, nonce: string, time: string) => {
    status.value = withRequest(status.value, UID, { nonce, at: Date.parse(at(time)) });
    status.touch();
  };

  test('it fires once, beside the schedule, and says so', async () => {
    const status = new SharedStatus();
    const all = [await open(status), await open(status)];
    await pass(all, 5_000);
    ask(status, 'n1', '12:00:05');
    await pass(all, 8_000);
    const calls = all.flatMap(({ bench }) => bench.f().calls);
    const byHand = calls.filter(({ request }) => request.headers.includes('event-by-hand'));
    expect(calls).toHaveLength(2);
    expect(byHand).toHaveLength(1);
    expect(status.record).toMatchObject({ requests: [], open: [], counts: { f: { read: 2, delivered: 2 } } });
  });

  test('a request that nobody could take in time is missed', async () => {
    const status = new SharedStatus();
    const first = await open(status, { spec: { schedule: '@daily' } });
    await first.close();
    ask(status, 'n1', '11:58:00');
    const late = await CronMember.open(status, { spec: { schedule: '@daily' } });
    members.push(late);
    await pass([late], 20_000);
    expect(late.fired).toEqual([]);
    expect(status.record).toMatchObject({ requests: [], counts: { f: { droppedBeforeClaim: { missed: 1 } } } });
  });
});
