import { describe, expect, it } from 'vitest';
import { noCounts, type Outcome, total } from '../../../src/sdk.ts';
import { Books } from './books.ts';

const delivered: Outcome = { type: 'delivered', status: 200, ms: 1 };
const rejected: Outcome = { type: 'rejected', status: 500, ms: 1 };
const start = { sequence: 10, consumerSequence: 4 };

describe('books', () => {
  it('count whole events for every function, on top of what was there', () => {
    const books = new Books(['f', 'g'], new Map([['gone', { ...noCounts(), read: 7 }]]), start);
    books.claimed(11);
    books.claimed(12);
    books.dropped('too_large');
    books.settled(11, [delivered, rejected]);
    expect(books.counts.get('f')).toMatchObject({ read: 3, claimed: 2, delivered: 1, rejected: 0 });
    expect(books.counts.get('g')).toMatchObject({ read: 3, claimed: 2, delivered: 0, rejected: 1 });
    expect(books.counts.get('gone')).toMatchObject({ read: 7 });
    expect(books.open).toEqual([12]);
  });

  it('settle an event once', () => {
    const books = new Books(['f'], new Map(), start);
    books.claimed(11);
    books.settled(11, [delivered]);
    books.settled(11, [delivered]);
    books.settled(99, [delivered]);
    expect(books.counts.get('f')).toMatchObject({ claimed: 1, delivered: 1 });
  });

  it('reach on, and never back', () => {
    const books = new Books(['f'], new Map(), start);
    books.reached({ sequence: 3, consumerSequence: 5 });
    expect(books.last).toEqual({ sequence: 10, consumerSequence: 5 });
  });

  it('count deliveries that came to nobody as claimed', () => {
    const books = new Books(['f'], new Map(), start);
    books.neverPassed(3, { type: 'dropped', reason: 'claim_lost' });
    const counts = books.counts.get('f');
    expect(counts).toMatchObject({ read: 3, claimed: 3, dropped: { claim_lost: 3 } });
    expect(total(counts?.dropped ?? {})).toBe(3);
  });
});
