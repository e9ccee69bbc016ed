import kafkajs from 'kafkajs';
import { beforeEach, describe, expect, test } from 'vitest';
import { ClaimsBench, timedOut, Watched } from '../../test/support/claims-bench.ts';
import { loop, type ScriptedCommits } from '../../test/support/scripted-commit.ts';
import type { Claims } from './claim.ts';

const error = (type: string) =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 0, retriable: false }));

let bench: ClaimsBench;
let claims: Claims;
let commits: ScriptedCommits;
let doubts: readonly Error[];

beforeEach(() => {
  bench = new ClaimsBench();
  ({ claims, commits, doubts } = bench);
});

const join = (generation?: number, partitions?: readonly number[]) => bench.join(generation, partitions);
const request = (partition: number, offset: number) => bench.request(partition, offset);
const claim = (partition: number, offset: number, epoch?: number) => bench.claim(partition, offset, epoch);
const settle = (partition: number, offset: number, epoch?: number) => bench.settle(partition, offset, epoch);

describe('coalescing', () => {
  test('claims of one turn travel together, with offset and metadata of each', async () => {
    join();
    const made = [claim(0, 10), claim(1, 20), settle(2, 30)];
    await loop();
    expect(commits.sent.map(({ topics }) => topics)).toEqual([
      [
        {
          topic: 'orders',
          partitions: [
            { partition: 0, offset: '10', metadata: 'm10' },
            { partition: 1, offset: '20', metadata: 'm20' },
            { partition: 2, offset: '30', metadata: 'm30' },
          ],
        },
      ],
    ]);
    expect(made.map(({ outcome }) => outcome)).toEqual(['pending', 'pending', 'pending']);
    commits.last.accept();
    await loop();
    expect(made.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
  });

  test('one request is out at a time; what comes meanwhile is gathered for the next', async () => {
    join();
    claim(0, 10);
    await loop();
    claim(1, 20);
    settle(3, 30);
    await loop();
    claim(2, 40);
    await loop();
    expect(commits.sent.length).toBe(1);
    commits.last.accept();
    await loop();
    expect(commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '10' }, { 1: '20', 2: '40', 3: '30' }]);
  });

  test('of two claims of a partition that wait, the first is refused', async () => {
    join();
    const first = claim(0, 10);
    const second = claim(0, 12);
    await loop();
    commits.last.accept();
    await loop();
    expect([first.outcome, second.outcome, commits.sent.length]).toEqual(['refused', 'done', 1]);
  });

  test('it is the turn of the next claim when no request is out', async () => {
    join();
    await claims.turn();
    claim(0, 10);
    await claims.turn();
    await loop();
    const turn = new Watched(claims.turn());
    await loop();
    expect(turn.outcome).toBe('pending');
    commits.last.accept();
    await loop();
    expect(turn.outcome).toBe('done');
    claim(1, 20);
    await loop();
    expect(commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '10' }, { 1: '20' }]);
  });

  test('a claim says it all for a settling of its partition that travels with it', async () => {
    join();
    const made = [settle(0, 10), settle(0, 10), claim(0, 12)];
    await loop();
    expect(commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '12' }]);
    commits.last.accept();
    await loop();
    expect(made.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
  });

  test('what is stored is asked for in the turn in which it is sent', async () => {
    join();
    let offset = 1;
    claim(1, 5);
    await loop();
    const late = new Watched(
      claims.settle({ epoch: claims.epoch, partition: 0, content: () => ({ offset, metadata: '' }) }),
    );
    offset = 2;
    commits.last.accept();
    await loop();
    expect(commits.last.offsets).toEqual({ 0: '2' });
    commits.last.accept();
    await loop();
    expect(late.outcome).toBe('done');
  });
});

describe('a refusal', () => {
  test.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'OFFSET_METADATA_TOO_LARGE'])(
    '%s is told to all that travelled, and leaves nothing in doubt',
    async (type) => {
      join();
      const made = [claim(0, 10), settle(1, 20)];
      await loop();
      commits.last.refuse(error(type));
      await loop();
      expect(made.map(({ outcome }) => outcome)).toEqual([type, type]);
      expect(doubts).toEqual([]);
      const next = claim(0, 10);
      await loop();
      commits.last.accept();
      await loop();
      expect(next.outcome).toBe('done');
    },
  );
});

describe('a doubt', () => {
  test.each([
    ['a time-out', timedOut],
    ['a lost connection', () => new kafkajs.KafkaJSConnectionError('Closed connection')],
    ['an answer of the broker that says nothing of what was stored', () => error('COORDINATOR_NOT_AVAILABLE')],
    ['a coordinator that ceased to be one: its log may have the commit', () => error('NOT_COORDINATOR_FOR_GROUP')],
    ['anything else', () => new Error('?')],
  ])('after %s nothing more is committed in this membership', async (_, thrown) => {
    join();
    const lost = claim(0, 10);
    await loop();
    const meanwhile = [claim(1, 20), settle(2, 30)];
    commits.last.refuse(thrown());
    await loop();
    const later = [claim(0, 10), settle(0, 10)];
    await loop();
    expect(commits.sent.length).toBe(1);
    expect([...meanwhile, ...later].map(({ outcome }) => outcome)).toEqual(Array(4).fill('refused'));
    expect(lost.outcome).toBe(thrown().message);
    expect(doubts).toMatchObject([{ code: 'CLAIM_IN_DOUBT' }]);
    expect(claims.isCurrent(claims.epoch, 0)).toBe(false);
  });

  test('ends with the membership', async () => {
    join();
    claim(0, 10);
    await loop();
    commits.last.refuse(timedOut());
    await loop();
    join(2);
    const next = claim(0, 10);
    await loop();
    commits.last.accept();
    await loop();
    expect(next.outcome).toBe('done');
  });

  test('is an accepted commit of another generation, or of an unknown one', async () => {
    join(5);
    const other = claim(0, 10);
    await loop();
    commits.last.accept(6);
    await loop();
    expect(other.outcome).toMatch(/generation 6 instead of 5/);
    expect(doubts.length).toBe(1);
    join(7);
    const unheard = claim(0, 10);
    await loop();
    claims.committed([], 7);
    commits.last.accept('unsaid');
    await loop();
    expect(unheard.outcome).toMatch(/an unknown one instead of 7/);
    expect(doubts.length).toBe(2);
  });

  test('that comes when the membership is over concerns nobody any more', async () => {
    join();
    const lost = claim(0, 10);
    await loop();
    claims.left();
    join(2);
    commits.last.refuse(timedOut());
    await loop();
    expect(lost.outcome).toMatch(/timed out/);
    expect(doubts).toEqual([]);
    expect(claims.isCurrent(claims.epoch, 0)).toBe(true);
  });
});

describe('the epoch', () => {
  test('of a batch that was read before the group changed admits no claim', async () => {
    join();
    const { epoch } = claims;
    claims.left();
    const gone = [claim(0, 10, epoch), settle(0, 10, epoch)];
    join(2);
    gone.push(claim(1, 10, epoch), settle(1, 10, epoch));
    await loop();
    expect(commits.sent).toEqual([]);
    expect(gone.map(({ outcome }) => outcome)).toEqual(Array(4).fill('refused'));
  });

  test('may change while a claim waits for its turn', async () => {
    join();
    const waiting = claim(0, 10);
    claims.left();
    await loop();
    expect([waiting.outcome, commits.sent.length]).toEqual(['refused', 0]);
  });

  test('may change while a claim waits behind another one, which is out', async () => {
    join();
    const out = claim(0, 10);
    await loop();
    const waiting = [claim(1, 20), settle(0, 10)];
    claims.left();
    join(2);
    commits.last.accept(1);
    await loop();
    expect(waiting.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
    expect([out.outcome, commits.sent.length]).toEqual(['done', 1]);
  });

  test('may change while a claim is out: accepted under its own generation it stands', async () => {
    join(1);
    const out = claim(0, 10);
    await loop();
    claims.left();
    commits.last.accept(1);
    await loop();
    expect([out.outcome, doubts.length]).toEqual(['done', 0]);
  });

  test('admits only partitions of the membership', async () => {
    join(1, [0, 1]);
    const made = [claim(2, 10), claim(1, 20)];
    await loop();
    expect(commits.last.offsets).toEqual({ 1: '20' });
    expect(made[0]?.outcome).toBe('refused');
    expect([claims.isCurrent(claims.epoch, 1), claims.isCurrent(claims.epoch, 2)]).toEqual([true, false]);
  });

  test('without a membership there is nothing to commit under', async () => {
    const made = [claim(0, 10), settle(0, 10)];
    await loop();
    expect(made.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
  });
});

describe('a membership that is about to end', () => {
  test('claims nothing more, and still settles', async () => {
    join();
    claims.hold();
    const made = [claim(0, 10), settle(1, 20)];
    await loop();
    expect(commits.last.offsets).toEqual({ 1: '20' });
    commits.last.accept();
    await loop();
    expect(made.map(({ outcome }) => outcome)).toEqual(['refused', 'done']);
  });

  test('is idle when no request is out, none waits, and those that were answered have heard of it', async () => {
    join();
    await claims.idle();
    const order: string[] = [];
    void claims.claim([], request(0, 10)).then(async () => {
      await Promise.resolve();
      order.push('claimed');
    });
    await loop();
    void claims.settle(request(1, 20)).then(() => order.push('settled'));
    const all = [claims.idle(), claims.idle()].map((idle) => idle.then(() => order.push('idle')));
    commits.last.accept();
    await loop();
    expect(order).toEqual(['claimed']);
    commits.last.accept();
    await Promise.all(all);
    expect(order).toEqual(['claimed', 'settled', 'idle', 'idle']);
  });

  test('is idle after a claim only when its events could be passed', async () => {
    join();
    const order: string[] = [];
    const claimed = claims
      .claim([], request(0, 10))
      .catch(() => {})
      .then(() => order.push('claimed'));
    await loop();
    const idle = claims.idle().then(() => order.push('idle'));
    commits.last.accept();
    await Promise.all([claimed, idle]);
    expect(order).toEqual(['claimed', 'idle']);
  });
});

test('whatever happens, every settling hears its end', async () => {
  join();
  commits.onSent = (commit) => {
    const n = commits.sent.length;
    setImmediate(() => {
      if (n % 5 === 0) commit.refuse(error('REBALANCE_IN_PROGRESS'));
      else if (n % 11 === 0) commit.refuse(timedOut());
      else commit.accept();
    });
    if (n % 7 === 0) claims.left();
    if (n % 13 === 0) claims.hold();
  };
  const all: Watched[] = [];
  for (let n = 0; n < 300; n++) {
    all.push(settle(n % 4, n), ...(n % 3 === 0 ? [claim(n % 4, n)] : []));
    if (n % 20 === 0) join(n);
    await loop(2);
  }
  await claims.idle();
  expect(all.filter(({ outcome }) => outcome === 'pending')).toEqual([]);
  expect(new Set(all.map(({ outcome }) => outcome)).size).toBeGreaterThan(2);
});
