import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBalanced } from '../../../src/domain/ledger.ts';
import type { Outcome } from '../../../src/domain/outcome.ts';
import type { TopicLog } from '../../../src/standalone/log/topic-log.ts';
import { eventually } from '../../support/eventually.ts';
import type { TempDir } from '../../support/temp.ts';
import { tempDir } from '../../support/temp.ts';
import { message, openLogIn, wallClock } from '../../support/topic-log.ts';
import type { Opened } from './subscription.ts';
import { offsetOf, subscribe } from './subscription.ts';

const delivered: Outcome = { type: 'delivered', status: 200, ms: 1 };
const rejected: Outcome = { type: 'rejected', status: 500, ms: 1 };

let dir: TempDir;
let log: TopicLog;

beforeEach(async () => {
  dir = await tempDir('source');
  log = openLogIn(dir.path);
});
afterEach(async () => {
  await log.close();
  await dir.remove();
});

const publish = (...texts: string[]) => Promise.all(texts.map((text) => log.publish('orders', message(text))));
const passedBy = ({ gate }: Opened) => gate.passed.map(({ event }) => offsetOf(event));
const hasPassed = (opened: Opened, n: number) => eventually(`${n} were passed`, () => opened.gate.passed.length === n);

/** What the next owner finds, without changing it for good. */
async function stored(functions = ['f'], ...expected: [number, string, string?][]) {
  const next = await subscribe(log, { functions, spec: { paused: true } });
  await next.close();
  expect(next.account.feed).toEqual(expected);
  return next.account;
}

describe('a source of the log', () => {
  it('passes what is published, before and after it was opened, each once and in order', async () => {
    await publish('a', 'b');
    const opened = await subscribe(log);
    await hasPassed(opened, 2);
    await publish('c');
    await log.publish('elsewhere', message('x'));
    await publish('d');
    await hasPassed(opened, 4);
    expect(passedBy(opened)).toEqual([1, 2, 3, 5]);
    for (const { settle } of opened.gate.passed) settle(delivered);
    await opened.close();
    expect(opened.account.counts('f')).toMatchObject({ read: 4, claimed: 4, delivered: 4 });
    expect((await stored()).counts('f')).toEqual(opened.account.counts('f'));
  });

  it('claims no more than there is room for; the rest stays in the log, uncounted', async () => {
    await publish('a', 'b', 'c');
    const first = await subscribe(log, { room: 2 });
    await hasPassed(first, 2);
    await eventually('it waits for room', () => first.gate.isAskedForRoom);
    expect(first.account.counts('f')).toMatchObject({ read: 2, claimed: 2 });
    for (const { settle } of first.gate.passed) settle(delivered);
    await first.close();

    const second = await subscribe(log, { room: 2 });
    await hasPassed(second, 1);
    expect(passedBy(second)).toEqual([3]);
    second.gate.passed[0]?.settle(rejected);
    await second.close();
    expect(second.account.counts('f')).toMatchObject({ read: 3, claimed: 3, delivered: 2, rejected: 1 });
  });

  it('drops what is too large or too old before the claim, in its turn, and counts it once', async () => {
    await log.close();
    log = openLogIn(dir.path, { clock: wallClock(Date.now() - 60_000) });
    await publish('old');
    await log.close();
    log = openLogIn(dir.path);
    await publish('ok', 'much too large', 'ok');
    const opened = await subscribe(log, { delivery: { maxBytes: 3, maxAge: '30s' }, room: 1 });
    await hasPassed(opened, 1);
    opened.gate.give(1);
    await hasPassed(opened, 2);
    expect(passedBy(opened)).toEqual([2, 4]);
    expect(opened.account.feed).toEqual([
      [1, 'expired'],
      [3, 'too_large'],
    ]);
    for (const { settle } of opened.gate.passed) settle(delivered);
    await opened.close();
    const counts = (await stored()).counts('f');
    expect(counts).toMatchObject({ read: 4, claimed: 2, droppedBeforeClaim: { expired: 1, too_large: 1 } });
    expect(isBalanced(counts, 0)).toBe(true);
  });

  it('counts what retention removed while it waited for room, and claims the rest', async () => {
    await publish('a', 'b', 'c');
    const opened = await subscribe(log, { room: 1 });
    await hasPassed(opened, 1);
    await eventually('it waits for room', () => opened.gate.isAskedForRoom);
    await log.delete('orders');
    await eventually('they are lost', () => opened.account.feed.length === 2);
    await publish('new');
    opened.gate.give(5);
    await hasPassed(opened, 2);
    expect(passedBy(opened)).toEqual([1, 4]);
    expect(opened.account.feed).toEqual([
      [2, 'offsets_lost'],
      [3, 'offsets_lost'],
    ]);
    for (const { settle } of opened.gate.passed) settle(delivered);
    await opened.close();
    expect(isBalanced((await stored()).counts('f'), 0)).toBe(true);
  });

  it('gives room back that comes after it was told to close, and reads nothing more', async () => {
    await publish('a');
    const opened = await subscribe(log, { room: 0 });
    await eventually('it waits for room', () => opened.gate.isAskedForRoom);
    await opened.close();
    opened.gate.give(1);
    await eventually('the room is back', () => opened.gate.released === 1);
    expect(opened.account.counts('f').read).toBe(0);
  });

  it('stops when the subscription aborts, also while it waits for events', async () => {
    const opened = await subscribe(log);
    opened.abort.abort();
    await publish('a');
    await opened.close();
    expect(opened.gate.passed).toEqual([]);
    expect((await stored()).counts('f').read).toBe(0);
  });

  it('counts what comes while it is paused, when that is to be skipped', async () => {
    await (await subscribe(log)).close();
    await publish('a', 'b');
    const paused = await subscribe(log, { spec: { paused: true, onPause: 'skip' }, room: 0 });
    await publish('c');
    await eventually('all three are counted', () => paused.account.counts('f').read === 3);
    await paused.close();
    expect(paused.account.counts('f')).toMatchObject({ claimed: 0, droppedBeforeClaim: { paused_skip: 3 } });
    const resumed = await subscribe(log);
    await publish('d');
    await hasPassed(resumed, 1);
    expect(passedBy(resumed)).toEqual([4]);
    for (const { settle } of resumed.gate.passed) settle(delivered);
    await resumed.close();
  });

  it('goes on at the newest event when its function was away, and that is wanted', async () => {
    const onRejoin = 'newest';
    const first = await subscribe(log, { spec: { onRejoin, startFrom: 'earliest' }, isJoining: true });
    await publish('a');
    await hasPassed(first, 1);
    for (const { settle } of first.gate.passed) settle(delivered);
    await first.close();
    await publish('b', 'c');
    const back = await subscribe(log, { spec: { onRejoin }, isJoining: true });
    await eventually('what passed is counted', () => back.account.counts('f').read === 3);
    await publish('d');
    await hasPassed(back, 1);
    expect(passedBy(back)).toEqual([4]);
    for (const { settle } of back.gate.passed) settle(delivered);
    await back.close();
    expect(back.account.counts('f')).toMatchObject({ delivered: 2, droppedBeforeClaim: { paused_skip: 2 } });
  });

  it('holds its position while it is paused', async () => {
    await publish('a');
    const paused = await subscribe(log, { spec: { paused: true } });
    await publish('b');
    await paused.close();
    const opened = await subscribe(log);
    await hasPassed(opened, 2);
    for (const { settle } of opened.gate.passed) settle(delivered);
    await opened.close();
  });

  it('says so and stops when the log cannot store a claim', async () => {
    await publish('a');
    const opened = await subscribe(log, { room: 0 });
    await eventually('it waits for room', () => opened.gate.isAskedForRoom);
    await log.close();
    opened.gate.give(1);
    await eventually('it has failed', () => opened.failures.length > 0);
    expect(opened.failures[0]).toMatchObject({ code: 'CLAIM_IN_DOUBT' });
    expect(opened.gate.passed).toEqual([]);
    await opened.close();
    log = openLogIn(dir.path);
    expect((await stored()).counts('f')).toMatchObject({ read: 0, claimed: 0 });
  });
});

describe('what nobody settled', () => {
  it('is unknown(crash) for the next owner, once, and a late outcome changes nothing', async () => {
    await publish('a', 'b', 'c');
    const opened = await subscribe(log);
    await hasPassed(opened, 3);
    opened.gate.passed[1]?.settle(delivered);
    await opened.close(0);
    const next = await stored(['f'], [1, 'crash', 'f'], [3, 'crash', 'f']);
    opened.gate.passed[0]?.settle(delivered);
    expect(next.counts('f')).toMatchObject({ read: 3, claimed: 3, delivered: 1, unknown: { crash: 2 } });
    expect((await stored()).counts('f')).toEqual(next.counts('f'));
  });

  it('is in doubt for the functions that it was claimed for, not for those of today', async () => {
    await publish('a');
    const opened = await subscribe(log, { functions: ['f', 'g'] });
    await hasPassed(opened, 1);
    // One copy is accounted, the other is not: the event is not settled, and both are in doubt afterwards.
    opened.account.settled([delivered]);
    await opened.close(0);
    const next = await stored(['f', 'h'], [1, 'crash', 'f'], [1, 'crash', 'g']);
    for (const name of ['f', 'g']) {
      expect(next.counts(name)).toMatchObject({ read: 1, claimed: 1, delivered: 0, unknown: { crash: 1 } });
    }
    expect(next.counts('h')).toMatchObject({ read: 0, claimed: 0, unknown: { crash: 0 } });
  });

  it('is waited for on closing, until the deadline', async () => {
    await publish('a');
    const opened = await subscribe(log);
    await hasPassed(opened, 1);
    let closed = false;
    const closing = opened.close(60_000).then(() => {
      closed = true;
    });
    await log.publish('elsewhere', message('a transaction later'));
    expect(closed).toBe(false);
    opened.gate.passed[0]?.settle(delivered);
    await closing;
    expect((await stored()).counts('f')).toMatchObject({ claimed: 1, delivered: 1 });
  });
});
