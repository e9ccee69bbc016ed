import { expect, test } from 'vitest';
import { OutletBench } from '../../../test/support/outlet.ts';
import { silent } from '../../../test/support/topic-log.ts';
import { StreamEvents } from '../event.ts';
import { Books } from './books.ts';
import { MissingDeliveries } from './missing.ts';
import type { Missing } from './naming.ts';
import { NOTHING_TAKEN, type Run, type Taken } from './taken.ts';

/** A member that knows of ten deliveries, and 20 that it hears of in the next one. */
function setUp() {
  const { clock, outlet, delivery } = new OutletBench();
  const books = new Books(['f'], new Map(), { consumerSequence: 10, sequence: 10 });
  const events = new StreamEvents('s', 'then', 'none');
  const members = {
    alone: true,
    /** What those had that have left. Undefined: one does not say it. */
    had: NOTHING_TAKEN as Taken | undefined,
    isAway: false,
    async isAlone() {
      if (members.isAway) throw new Error('NATS does not answer');
      return members.alone;
    },
    askOthers: async (): Promise<Taken | undefined> => members.had,
  };
  const naming = {
    missing: async ({ count, after }: Missing) =>
      Array.from({ length: count }, (_, i) => events.bare(after + 1 + i, 0, 'orders')),
  };
  const missing = new MissingDeliveries({
    books,
    consumer: { created: 'c' },
    context: { account: outlet.account, clock, log: silent },
    functions: ['f'],
    membership: members,
    naming,
    isOurs: () => true,
  });
  missing.upTo(30, 30);
  books.reached({ consumerSequence: 30, sequence: 30 });
  const neverSent = () => {
    const [trigger] = delivery.report().triggers;
    const dropped = trigger?.functions[0]?.dropped.claim_lost ?? 0;
    expect(books.counts.get('f')).toMatchObject({ read: dropped, claimed: dropped, dropped: { claim_lost: dropped } });
    expect(delivery.report().balanced).toBe(true);
    return { dropped, gaps: trigger?.gaps.length };
  };
  return { members, missing, neverSent };
}

const run = (first: number, count: number): Run => [first, count, first, first + count - 1];
const taken = (since: number, ...runs: Run[]): Taken => ({
  since: { consumerSequence: since, sequence: since },
  runs,
});

test('deliveries that came to nobody are counted as never sent, once', async () => {
  const { missing, neverSent } = setUp();
  expect(await missing.resolve({ asksLiving: false })).toBe(true);
  expect(await missing.resolve({ asksLiving: false })).toBe(false);
  missing.close();
  expect(neverSent()).toEqual({ dropped: 20, gaps: 0 });
});

test('not those that others may have got, or had before they left', async () => {
  const beside = setUp();
  beside.members.alone = false;
  await beside.missing.resolve({ asksLiving: false });
  expect(beside.neverSent()).toEqual({ dropped: 0, gaps: 0 });
  const after = setUp();
  after.members.had = taken(0, run(11, 5), run(20, 3));
  await after.missing.resolve({ asksLiving: false });
  expect(after.neverSent()).toEqual({ dropped: 12, gaps: 0 });
});

test('beside others that live, what none of them has is a gap, for a member that was out of reach', async () => {
  const all = setUp();
  all.members.alone = false;
  all.members.had = taken(0, run(11, 20));
  await all.missing.resolve({ asksLiving: true });
  expect(all.neverSent()).toEqual({ dropped: 0, gaps: 0 });
  const some = setUp();
  some.members.alone = false;
  some.members.had = taken(0, run(11, 15));
  some.members.isAway = true;
  await some.missing.resolve({ asksLiving: true });
  expect(some.neverSent()).toEqual({ dropped: 0, gaps: 0 });
  some.members.isAway = false;
  await some.missing.resolve({ asksLiving: false });
  expect(some.neverSent()).toEqual({ dropped: 0, gaps: 1 });
});

test('closed while it asks, it counts nothing more, and there is a gap', async () => {
  const { members, missing, neverSent } = setUp();
  const answer = Promise.withResolvers<Taken>();
  members.askOthers = () => answer.promise;
  const resolving = missing.resolve({ asksLiving: false });
  missing.close();
  answer.resolve(NOTHING_TAKEN);
  await resolving;
  expect(neverSent()).toEqual({ dropped: 0, gaps: 1 });
});

test('while nobody answers they wait; when nobody ever does, there is a gap', async () => {
  const { members, missing, neverSent } = setUp();
  members.isAway = true;
  await missing.resolve({ asksLiving: false });
  expect(neverSent()).toEqual({ dropped: 0, gaps: 0 });
  members.isAway = false;
  await missing.resolve({ asksLiving: false });
  expect(neverSent()).toEqual({ dropped: 20, gaps: 0 });
  const never = setUp();
  never.members.isAway = true;
  await never.missing.resolve({ asksLiving: false });
  never.missing.close();
  expect(never.neverSent()).toEqual({ dropped: 0, gaps: 1 });
});

test('what one that has left does not know any more is a gap, and never a number that is not sure', async () => {
  const partly = setUp();
  partly.members.had = taken(15, run(20, 3));
  await partly.missing.resolve({ asksLiving: false });
  expect(partly.neverSent()).toEqual({ dropped: 12, gaps: 1 });
  const wholly = setUp();
  wholly.members.had = undefined;
  await wholly.missing.resolve({ asksLiving: false });
  expect(wholly.neverSent()).toEqual({ dropped: 0, gaps: 1 });
});
