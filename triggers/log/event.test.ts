import { describe, expect, it } from 'vitest';
import { orderKey } from '../../src/sdk.ts';
import { createEventMaker } from './event.ts';
import type { StoredEvent } from './reader.ts';

const row: StoredEvent = {
  seq: 7,
  topic: 'orders.new',
  time: 1_700_000_000_000,
  key: 'k',
  headers: { 'Content-Type': 'application/json' },
  size: 2,
  data: new TextEncoder().encode('{}'),
};
const make = (identity = 'log-1', order: 'key' | 'partition' | 'none' = 'key', by: 'key' | 'subject' = 'key') =>
  createEventMaker(identity, order, by);

describe('an event of the log', () => {
  it('has an id of log, topic, sequence and time, the same whenever it is read', () => {
    const { id } = make().event(row);
    expect(id).toMatch(/^[A-Za-z0-9_-]{15}$/);
    expect(make().event({ ...row }).id).toBe(id);
    expect(make().bare(row).id).toBe(id);
    const others = [
      make('log-2').event(row),
      ...[{ seq: 8 }, { time: 1 }, { topic: 't' }].map((change) => make().event({ ...row, ...change })),
    ];
    expect(new Set([id, ...others.map((event) => event.id)]).size).toBe(5);
  });

  it('carries content type, data and coordinates', () => {
    expect(make().event(row)).toMatchObject({
      topic: 'orders.new',
      contentType: 'application/json',
      headers: [['event-key', 'k']],
      data: row.data,
      coordinates: { type: 'log', topic: 'orders.new', offset: 7 },
    });
    expect(make().event({ ...row, headers: {} }).contentType).toBeUndefined();
  });

  it('is ordered by its key, by its subject, with all others, or not at all', () => {
    expect(make().event(row).order).toBe(orderKey('k'));
    expect(make().event({ ...row, key: undefined }).order).toBeNull();
    expect(make('l', 'key', 'subject').event(row).order).toBe(orderKey('orders.new'));
    expect(make('l', 'none').event(row).order).toBeNull();
    const partition = make('l', 'partition');
    expect(partition.event(row).order).toBe(partition.event({ ...row, topic: 'x', key: 'y' }).order);
    expect(partition.event(row).order).not.toBeNull();
  });
});
