import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type Event, eventId } from '../domain/event.ts';
import type { Outcome } from '../domain/outcome.ts';
import { Feed } from './feed.ts';
import type { FeedPage } from './page.ts';

const orders = { kind: 'kafka', namespace: 'default', name: 'orders' };
const audit = { kind: 'nats', namespace: 'other', name: 'audit' };
const delivered: Outcome = { type: 'delivered', status: 200, ms: 1.23456 };
const START = Date.UTC(2027, 0, 31, 12);

const event = (n: number): Pick<Event, 'id' | 'time' | 'coordinates'> => ({
  id: eventId('test', String(n)),
  time: START,
  coordinates: { type: 'kafka', topic: 'orders', partition: 0, offset: String(n) },
});

const offsets = (page: FeedPage) =>
  page.events.map((row) => (row.source?.type === 'kafka' ? Number(row.source.offset) : row.type));

function feedWith(events: number, capacity = 100): { feed: Feed; clock: ManualClock } {
  const clock = new ManualClock(START);
  const feed = new Feed({ clock, capacity });
  for (let n = 0; n < events; n++) feed.record(orders, event(n), 'invoice', delivered);
  return { feed, clock };
}

describe('the event feed', () => {
  it('shows an event with the outcomes of its functions as one row', () => {
    const { feed } = feedWith(0);
    feed.record(orders, event(1), 'invoice', delivered);
    feed.record(orders, event(2), 'invoice', delivered);
    feed.record(orders, event(1), 'mail', { type: 'unknown', reason: 'timeout', ms: 5_000 }, START, true);
    feed.record(orders, event(1), 'stock', { type: 'dropped', reason: 'expired' });

    const { events } = feed.read();

    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      type: 'event',
      id: event(1).id,
      time: '2027-01-31T12:00:00.000Z',
      kind: 'kafka',
      namespace: 'default',
      trigger: 'orders',
      source: { type: 'kafka', topic: 'orders', partition: 0, offset: '1' },
    });
    const at = '2027-01-31T12:00:00.000Z';
    expect(events[0]?.functions).toEqual([
      { name: 'invoice', outcome: 'delivered', status: 200, ms: 1.23, at },
      { name: 'mail', outcome: 'unknown', reason: 'timeout', ms: 5_000, at, late: true },
      { name: 'stock', outcome: 'dropped', reason: 'expired', at },
    ]);
  });

  it('finds all that is held of one event', () => {
    const { feed } = feedWith(10);
    feed.record(audit, event(3), 'mail', delivered);
    const { events } = feed.read({ id: event(3).id });
    expect(events.map(({ trigger, id }) => [trigger, id])).toEqual([
      ['orders', event(3).id],
      ['audit', event(3).id],
    ]);
  });

  it('answers the newest rows, oldest first, when neither a cursor nor a time is given', () => {
    const { feed } = feedWith(10);
    expect(offsets(feed.read({ limit: 3 }))).toEqual([7, 8, 9]);
  });

  it('goes on after a cursor, page by page, without a row twice or left out', () => {
    const { feed } = feedWith(7);
    const first = feed.read({ since: 0, limit: 4 });
    const second = feed.read({ after: first.next, limit: 4 });
    expect([...offsets(first), ...offsets(second)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(feed.read({ after: second.next }).events).toEqual([]);
    feed.record(orders, event(7), 'invoice', delivered);
    expect(offsets(feed.read({ after: second.next }))).toEqual([7]);
  });

  it('loses no copy when a reader goes on after any row of a page', () => {
    const { feed } = feedWith(0);
    const copies = [
      [1, 'a'],
      [2, 'a'],
      [1, 'b'],
      [3, 'a'],
      [2, 'b'],
    ] as const;
    for (const [n, name] of copies) feed.record(orders, event(n), name, delivered);
    const { events } = feed.read();
    const seen = (rows: typeof events) => rows.flatMap((row) => row.functions.map(({ name }) => `${row.id} ${name}`));
    for (const [i, row] of events.entries()) {
      const together = new Set([...seen(events.slice(0, i + 1)), ...seen(feed.read({ after: row.cursor }).events)]);
      expect(together.size).toBe(copies.length);
    }
  });

  it('keeps the last rows only and says how many a late reader has missed', () => {
    const { feed } = feedWith(0, 4);
    const start = feed.cursor();
    for (let n = 0; n < 10; n++) feed.record(orders, event(n), 'invoice', delivered);
    const page = feed.read({ after: start });
    expect(offsets(page)).toEqual([6, 7, 8, 9]);
    expect(page.skipped).toBe(6);
    expect(feed.read({ after: page.next }).skipped).toBe(0);
  });

  it('reads from the oldest row with a cursor from before a restart', () => {
    const { feed } = feedWith(3);
    expect(offsets(feed.read({ after: 'zz-1000' }))).toEqual([0, 1, 2]);
  });

  it('refuses what is no cursor', () => {
    const { feed } = feedWith(1);
    expect(() => feed.read({ after: 'yesterday' })).toThrow(/^after must be a cursor .* found "yesterday"\.$/);
  });

  it('filters by kind, namespace, trigger, function, outcome and time', () => {
    const { feed, clock } = feedWith(2);
    clock.advance(1_000);
    feed.record(audit, event(7), 'mail', { type: 'rejected', status: 500, ms: 1, answer: 'sold out' });
    feed.gap(audit, { from: START, to: START + 5, cause: 'connection lost' });
    expect(offsets(feed.read({ kind: 'nats' }))).toEqual([7, 'gap']);
    expect(offsets(feed.read({ namespace: 'default' }))).toEqual([0, 1]);
    expect(offsets(feed.read({ trigger: 'audit' }))).toEqual([7, 'gap']);
    expect(offsets(feed.read({ function: 'mail' }))).toEqual([7]);
    expect(offsets(feed.read({ outcome: 'rejected' }))).toEqual([7]);
    const [rejected] = feed.read({ outcome: 'rejected' }).events;
    expect(rejected?.functions).toMatchObject([{ name: 'mail', outcome: 'rejected', status: 500, answer: 'sold out' }]);
    expect(offsets(feed.read({ outcome: 'gap' }))).toEqual(['gap']);
    expect(offsets(feed.read({ since: START + 1_000 }))).toEqual([7, 'gap']);
    expect(offsets(feed.read({ trigger: 'orders', limit: 1 }))).toEqual([1]);
  });

  it('shows a gap with its times and cause', () => {
    const { feed } = feedWith(0);
    feed.gap(audit, { from: START, to: START + 1_500, cause: 'connection lost' });
    expect(feed.read().events).toMatchObject([
      {
        type: 'gap',
        trigger: 'audit',
        functions: [],
        gap: { from: '2027-01-31T12:00:00.000Z', to: '2027-01-31T12:00:01.500Z', cause: 'connection lost' },
      },
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 9e18])('shows an event whose timestamp is %d', (time) => {
    const { feed } = feedWith(0);
    feed.record(orders, { ...event(1), time }, 'invoice', delivered);
    expect(feed.read().events).toHaveLength(1);
  });

  it('holds no data of an event', () => {
    const { feed } = feedWith(0);
    const whole = { ...event(1), data: new TextEncoder().encode('secret') };
    feed.record(orders, whole, 'invoice', delivered);
    expect(JSON.stringify(feed.read())).not.toContain('data');
  });

  it('wakes a listener once for all rows of a moment, and not after it has gone', () => {
    const { feed, clock } = feedWith(0);
    let woken = 0;
    const cancel = feed.subscribe(() => woken++);
    for (let n = 0; n < 50; n++) feed.record(orders, event(n), 'invoice', delivered);
    expect(woken).toBe(0);
    clock.advance(50);
    expect(woken).toBe(1);
    clock.advance(1_000);
    expect(woken).toBe(1);
    feed.record(orders, event(51), 'invoice', delivered);
    cancel();
    clock.advance(1_000);
    expect(woken).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
