import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/domain/clock.ts';
import { matches, topicFilter } from '../../../src/standalone/log/names.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp.ts';
import { bytes, everything, message, openLogIn, RecordingOwner } from '../../support/topic-log.ts';

const group = (pattern: string, startFrom: 'newest' | 'earliest' = 'earliest', name = `g_${pattern}`) => ({
  name,
  pattern,
  startFrom,
  functions: ['f'],
});

describe('topics', () => {
  it('are made by the first event, or by hand, once', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    await log.create('made', { partitions: 1 });
    await log.publish('published', message('x'));
    expect(await log.list()).toEqual(['made', 'published']);
    await expect(log.create('made', { partitions: 1 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(log.delete('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await log.close();
  });

  it.each(['', 'a b', 'a/b', '..', 'x'.repeat(250), 'orders.*'])('are not called %j', async (name) => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    await expect(log.publish(name, message('x'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(log.create(name, { partitions: 1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await log.list()).toEqual([]);
    await log.close();
  });

  it.each([
    ['orders', 'orders', true],
    ['orders', 'orders.new', false],
    ['orders.*', 'orders.new', true],
    ['orders.*', 'orders.new.eu', false],
    ['orders.*', 'orders', false],
    ['orders.>', 'orders.new.eu', true],
    ['*.new', 'orders.new', true],
    ['>', 'anything.at.all', true],
    ['a-b.*', 'aXb.c', false],
  ])('match: %s takes %s: %s', (pattern, topic, expected) => {
    expect(matches(topicFilter(pattern), topic)).toBe(expected);
  });

  it.each(['a.>.b', 'a.b*', 'a..*', '*a', ' >'])('match: %j is no pattern', (pattern) => {
    expect(() => topicFilter(pattern)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('publish', () => {
  it('keeps key, headers and bytes, and answers an offset that grows over all topics', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    const answers = await Promise.all([
      log.publish('a', { data: bytes('one'), key: 'k', headers: { 'content-type': 'text/plain' } }),
      log.publish('b', { data: new Uint8Array(), headers: {} }),
    ]);
    expect(answers).toEqual([
      { topic: 'a', offset: '1' },
      { topic: 'b', offset: '2' },
    ]);
    const all = log.openGroup(group('>'), new RecordingOwner()).read(0, everything);
    expect(all).toMatchObject({
      caughtUp: true,
      through: 2,
      events: [
        { seq: 1, topic: 'a', key: 'k', headers: { 'content-type': 'text/plain' }, size: 3 },
        { seq: 2, topic: 'b', key: undefined, headers: {}, size: 0 },
      ],
    });
    expect(all.events.map((event) => Buffer.from(event.data ?? []).toString())).toEqual(['one', '']);
    await log.close();
  });

  it('refuses an event over the limit, and headers that are larger than any', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path, { maxEventBytes: 10 });
    await log.publish('t', message('0123456789'));
    await expect(log.publish('t', message('0123456789a'))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    const headers = { long: 'x'.repeat(70_000) };
    await expect(log.publish('t', { data: bytes('x'), headers })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await log.close();
  });

  it('is refused when the log is closed, and what was published before is kept', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    const published = log.publish('t', message('x'));
    await log.close();
    await log.close();
    await expect(published).resolves.toEqual({ topic: 't', offset: '1' });
    await expect(log.publish('t', message('y'))).rejects.toThrow('closed');
  });
});

describe('a group', () => {
  it('begins at the newest event unless it is told otherwise, and then goes on where it stopped', async () => {
    await using dir = await tempDir();
    const first = openLogIn(dir.path);
    await first.publish('t', message('before'));
    const newest = first.openGroup(group('t', 'newest'), new RecordingOwner());
    expect(newest.position).toBe(1);
    await first.close();

    const second = openLogIn(dir.path);
    await second.publish('t', message('after'));
    const again = second.openGroup(group('t', 'newest'), new RecordingOwner());
    expect(again.read(again.position, everything).events.map(({ seq }) => seq)).toEqual([2]);
    const other = second.openGroup(group('t', 'earliest', 'other'), new RecordingOwner());
    expect(other.read(other.position, everything).events.map(({ seq }) => seq)).toEqual([1, 2]);
    await second.close();
  });

  it('is knocked at for topics that match, also new ones, and for no others', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    const owner = new RecordingOwner();
    const orders = log.openGroup(group('orders.*'), owner);
    await log.publish('invoices.new', message('x'));
    expect(owner.knocks).toBe(0);
    await log.publish('orders.new', message('x'));
    await log.publish('orders.old', message('x'));
    expect(owner.knocks).toBe(2);
    expect(orders.read(0, everything).events.map(({ topic }) => topic)).toEqual(['orders.new', 'orders.old']);
    await log.close();
  });

  it('reads no more than it asks for, but at least one, and leaves large data in the file', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    for (const text of ['aaaa', 'bbbb', 'cccccccccc', 'd']) await log.publish('t', message(text));
    const t = log.openGroup(group('t'), new RecordingOwner());
    const read = (after: number, limit: Partial<typeof everything>) => t.read(after, { ...everything, ...limit });
    expect(read(0, { count: 1 })).toMatchObject({ through: 1, caughtUp: false });
    expect(read(0, { bytes: 1 }).events).toHaveLength(1);
    expect(read(0, { bytes: 5 }).events).toHaveLength(2);
    expect(read(2, { dataBytes: 9 }).events).toMatchObject([{ data: undefined, size: 10 }, { size: 1 }]);
    expect(read(4, {})).toEqual({ events: [], through: 4, caughtUp: true });
    await log.close();
  });

  it('is open once at a time, and a closed handle changes nothing', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    await log.publish('t', message('x'));
    const first = log.openGroup(group('t'), new RecordingOwner());
    expect(() => log.openGroup(group('t'), new RecordingOwner())).toThrow(
      expect.objectContaining({ code: 'CONFLICT' }),
    );
    await first.claim([1], 1);
    first.close();
    first.close();
    first.settle(1);
    await expect(first.claim([1], 1)).rejects.toMatchObject({ code: 'CLAIM_IN_DOUBT' });
    const second = log.openGroup(group('t'), new RecordingOwner());
    expect(second.predecessor).toMatchObject({ functions: ['f'], lost: 0, inDoubt: [{ seq: 1, topic: 't' }] });
    await log.close();
  });

  it('stores settlements by itself soon after', async () => {
    await using dir = await tempDir();
    const waits: number[] = [];
    const log = openLogIn(dir.path, {
      clock: {
        ...systemClock,
        after(ms, callback) {
          waits.push(ms);
          return systemClock.after(ms, callback);
        },
      },
    });
    await log.publish('t', message('x'));
    const t = log.openGroup(group('t'), new RecordingOwner());
    await t.claim([1], 1);
    let stored = 0;
    const counting = new RecordingOwner();
    counting.counts = () => {
      stored++;
      return [];
    };
    const u = log.openGroup(group('t', 'earliest', 'u'), counting);
    await u.claim([1], 1);
    expect(stored).toBe(1);
    u.settle(1);
    await eventually('the settlement is stored', () => stored === 2);
    expect(waits).toContain(100);
    await log.close();
  });

  it('fails when an event it claims is not there, and nothing of that claim stands', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    await log.publish('t', message('x'));
    const owner = new RecordingOwner();
    const t = log.openGroup(group('t'), owner);
    await expect(t.claim([1, 2], 2)).rejects.toMatchObject({ code: 'CLAIM_IN_DOUBT' });
    expect(owner.failures).toHaveLength(1);
    t.close();
    const again = log.openGroup(group('t'), new RecordingOwner());
    expect(again.position).toBe(0);
    expect(again.predecessor.inDoubt).toEqual([]);
    await log.publish('t', message('the log itself goes on'));
    await log.close();
  });

  /** Each transaction takes one write of those that wait. */
  const hurried = () => {
    let now = 0;
    return { ...systemClock, monotonic: () => (now += 100) };
  };

  it('fails as well when its claim was lost with what other writes had waited for', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path, { clock: hurried() });
    await log.publish('t', message('x'));
    const owner = new RecordingOwner();
    const t = log.openGroup(group('t'), owner);
    const burst = Promise.allSettled(['a', 'b', 'c'].map((text) => log.publish('others', message(text))));
    await expect(t.claim([1, 99], 99)).rejects.toMatchObject({ code: 'CLAIM_IN_DOUBT' });
    expect(owner.failures).toHaveLength(1);
    await burst;
    await log.close();
  });

  it('takes claims over together with their counts, or not at all', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path, { clock: hurried() });
    await log.publish('t', message('x'));
    const first = log.openGroup(group('t'), new RecordingOwner());
    await first.claim([1], 1);
    first.close();
    const owner = new RecordingOwner();
    owner.counts = () => {
      throw new Error('the disk is full');
    };
    const second = log.openGroup(group('t'), owner);
    const burst = Promise.allSettled(['a', 'b', 'c'].map((text) => log.publish('others', message(text))));
    await expect(second.adopt()).rejects.toMatchObject({ code: 'CLAIM_IN_DOUBT' });
    await burst;
    second.close();
    expect(log.openGroup(group('t'), new RecordingOwner()).predecessor.inDoubt).toMatchObject([{ seq: 1 }]);
    await log.close();
  });
});
