import { expect, test } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { turns } from '../../test/support/outlet.ts';
import { TrigateError } from '../domain/errors.ts';
import type { SourceStatus, TriggerKind } from '../domain/kind.ts';
import { delivery, type ShownProgress, type Trigger } from '../domain/trigger.ts';
import { ResourceError } from '../resources/resource-error.ts';
import { planTrigger } from './reconcile.ts';
import { OPENING } from './status.ts';
import { StatusWriter, type TriggerStatuses } from './status-writer.ts';
import { Tallies } from './tallies.ts';

const spec = z.object({ functionSelector: z.object({}), delivery, fanout: z.enum(['isolated', 'shared']) });

const kind: TriggerKind = {
  name: 'kafka',
  resource: {
    group: 'kubeless.io',
    version: 'v1beta1',
    kind: 'KafkaTrigger',
    plural: 'kafkatriggers',
    singular: 'kafkatrigger',
    shortNames: [],
    namespaced: true,
  },
  eventNamespace: '',
  eventType: '',
  spec,
  guarantee: { promise: '', crash: '', order: '' },
  open: () => Promise.reject(new Error('is not opened here')),
};

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A writer of one trigger, over an API that answers from memory. */
class Bench {
  readonly clock = new ManualClock();
  stored: Trigger = {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'KafkaTrigger',
    metadata: { namespace: 'a', name: 't', generation: 1 },
    spec: { functionSelector: {}, delivery: {}, fanout: 'isolated' },
  };
  source: SourceStatus = { type: 'connected', message: 'reads' };
  progress: ShownProgress | undefined;
  /** Thrown by the next write. */
  failure: Error | undefined;
  /** Writes are taken and never answered. */
  isSilent = false;
  isGone = false;
  tries = 0;
  writes = 0;
  readonly writer: StatusWriter;
  readonly tallies = new Tallies(this.clock);
  /** What was heard of writes: how many functions matched before and after. */
  readonly heard: (readonly [number | undefined, number | undefined])[] = [];

  constructor() {
    const f = { namespace: 'a', name: 'f', labels: {}, url: undefined, timeout: 1 };
    this.writer = new StatusWriter({
      kinds: [kind],
      resources: this.#resources(),
      clock: this.clock,
      log: silent,
      planOf: () => (this.isGone ? undefined : planTrigger(kind, this.stored, [f])),
      running: () => [{ source: this.source, stuck: undefined, progress: this.progress }],
      tallies: this.tallies,
      onWritten: (_, before, after) => this.heard.push([before?.functions?.length, after.functions?.length]),
    });
  }

  get message(): string | undefined {
    return this.stored.status?.conditions?.find(({ type }) => type === 'SourceConnected')?.message;
  }

  async says(source: SourceStatus, ms = 100): Promise<void> {
    this.source = source;
    this.writer.soon('kafka/a/t');
    await this.pass(ms);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.advance(Math.min(100, left));
      await turns();
    }
  }

  #resources(): TriggerStatuses {
    return {
      updateStatus: async (_type, _namespace, _name, change, { signal }) => {
        this.tries++;
        if (this.isSilent) {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        }
        const { failure } = this;
        this.failure = undefined;
        if (failure !== undefined) throw failure;
        const changed = change(this.stored);
        if (changed === undefined) return this.stored;
        this.writes++;
        this.stored = changed;
        return changed;
      },
    };
  }
}

const broken = (message: string): SourceStatus => ({ type: 'disconnected', reason: 'Broken', message });

test('changes in a row are one write, and what did not change is not written', async () => {
  const bench = new Bench();
  for (let n = 0; n < 10; n++) bench.writer.soon('kafka/a/t');
  await bench.pass(100);
  expect(bench.writes).toBe(1);
  await bench.says({ type: 'connected', message: 'reads' }, 60_000);
  expect(bench.tries).toBe(1);
});

test('a status that an API server gives back with its fields in another order is the same', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  const sorted = (object: object) => Object.fromEntries(Object.entries(object).sort());
  const conditions = bench.stored.status?.conditions?.map((each) => Object.assign(sorted(each), each)) ?? [];
  expect(Object.keys(conditions[0] ?? {})[0]).toBe('lastTransitionTime');
  bench.stored = { ...bench.stored, status: { ...bench.stored.status, conditions } };
  await bench.says({ type: 'connected', message: 'reads' }, 60_000);
  expect(bench.tries).toBe(1);
});

test('a condition with another status or reason is written at once, another sentence within 5 s', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  await bench.says(broken('first'));
  expect([bench.writes, bench.message]).toEqual([2, 'first']);
  for (let n = 0; n < 20; n++) await bench.says(broken(`try ${n}`));
  expect([bench.writes, bench.message]).toEqual([2, 'first']);
  await bench.pass(5_000);
  expect([bench.writes, bench.message]).toEqual([3, 'try 19']);
});

test('a replica that sees something else is contradicted after half a minute, and then ever more rarely', async () => {
  const bench = new Bench();
  await bench.says(broken('away'));
  const other = bench.stored;
  await bench.says({ type: 'connected', message: 'reads' });
  const contradicted = async (ms: number) => {
    const before = bench.writes;
    for (let n = 0; n < ms; n += 1_000) {
      bench.stored = { ...bench.stored, status: { ...bench.stored.status, ...other.status } };
      bench.writer.soon('kafka/a/t');
      await bench.pass(1_000);
    }
    return bench.writes - before;
  };
  expect(await contradicted(29_000)).toBe(0);
  expect(await contradicted(2_000)).toBe(1);
  // A minute later, then two, four, eight and sixteen.
  expect(await contradicted(3_600_000)).toBe(5);
  // It has something else to say: that is new.
  await bench.says({ type: 'disconnected', reason: 'Refused', message: 'another reason' });
  expect(bench.message).toBe('another reason');
  // What a person changed does not wait for that.
  bench.stored = { ...bench.stored, metadata: { ...bench.stored.metadata, generation: 2 } };
  bench.writer.soon('kafka/a/t');
  await bench.pass(100);
  expect(bench.stored.status?.observedGeneration).toBe(2);
});

test('progress is written with what else there is, and not again while it is the same', async () => {
  const bench = new Bench();
  bench.progress = { lag: 400, unsettled: 0, rebalances: 0 };
  await bench.says({ type: 'connected', message: 'reads' });
  expect([bench.writes, bench.stored.status?.progress]).toEqual([1, { lag: 400, unsettled: 0, rebalances: 0 }]);
  await bench.says({ type: 'connected', message: 'reads' }, 60_000);
  bench.progress = { lag: 0, unsettled: 0, rebalances: 0 };
  await bench.says({ type: 'connected', message: 'reads' });
  expect([bench.writes, bench.stored.status?.progress?.lag]).toEqual([2, 0]);
});

test('what another replica says of the progress of its parts is not contradicted', async () => {
  const bench = new Bench();
  bench.progress = { lag: 400, unsettled: 0, rebalances: 0 };
  await bench.says({ type: 'connected', message: 'reads' });
  bench.stored = { ...bench.stored, status: { ...bench.stored.status, progress: { unsettled: 7, rebalances: 0 } } };
  await bench.says({ type: 'connected', message: 'reads' }, 60_000);
  expect([bench.tries, bench.stored.status?.progress?.unsettled]).toEqual([1, 7]);
});

test('what another replica has put into other words is left alone', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads 2 partitions' });
  const conditions = bench.stored.status?.conditions?.map((each) => ({ ...each, message: 'reads 1 partition' })) ?? [];
  bench.stored = { ...bench.stored, status: { ...bench.stored.status, conditions } };
  await bench.says({ type: 'connected', message: 'reads 2 partitions' }, 60_000);
  expect([bench.tries, bench.message]).toEqual([1, 'reads 1 partition']);
});

test('who has just started says nothing of a source before it knows more than that, unless the spec is another', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  await bench.says(OPENING, 60_000);
  expect([bench.tries, bench.message]).toEqual([1, 'reads']);
  bench.stored = { ...bench.stored, metadata: { ...bench.stored.metadata, generation: 2 } };
  await bench.says(OPENING);
  expect(bench.message).toBe('not connected yet');
});

test('who stands by says nothing: the one that acts does', async () => {
  const bench = new Bench();
  await bench.says({ type: 'standby', message: 'another process watches' }, 60_000);
  expect(bench.tries).toBe(0);
  await bench.says({ type: 'connected', message: 'watches' });
  expect(bench.message).toBe('watches');
});

const delivered = { type: 'delivered', status: 200, ms: 1 } as const;
const name = { kind: 'kafka', namespace: 'a', name: 't' };

test('counts are added to what is stored: with another write, or by themselves after half a minute', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  for (let n = 0; n < 100; n++) bench.tallies.outcome(name, delivered);
  await bench.pass(29_000);
  expect(bench.writes).toBe(1);
  await bench.pass(1_500);
  expect([bench.writes, bench.stored.status?.counts]).toEqual([
    2,
    { delivered: 100, rejected: 0, unknown: 0, dropped: 0 },
  ]);
  expect(bench.stored.status?.lastEventTime).toMatch(/^\d{4}-/);
  bench.tallies.outcome(name, { type: 'dropped', reason: 'expired' });
  bench.tallies.outcome(name, delivered);
  await bench.says(broken('now'));
  expect([bench.writes, bench.stored.status?.counts]).toEqual([
    3,
    { delivered: 101, rejected: 0, unknown: 0, dropped: 1 },
  ]);
  await bench.pass(60_000);
  expect(bench.tries).toBe(3);
});

test('counts of two replicas add up', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  bench.stored = { ...bench.stored, status: { ...bench.stored.status, counts: { delivered: 40 } } };
  bench.tallies.outcome(name, delivered);
  await bench.pass(31_000);
  expect(bench.stored.status?.counts?.delivered).toBe(41);
});

test('counts that could not be written are written later', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  bench.tallies.outcome(name, delivered);
  bench.failure = new TrigateError('GATEWAY_UNREACHABLE', 'is away');
  await bench.pass(31_000);
  expect(bench.writes).toBe(1);
  await bench.pass(35_000);
  expect(bench.stored.status?.counts?.delivered).toBe(1);
});

test('whoever wants to hears what was stored before a write, and after it', async () => {
  const bench = new Bench();
  await bench.says({ type: 'connected', message: 'reads' });
  expect(bench.heard).toEqual([[undefined, 1]]);
});

test('a write that fails is made again', async () => {
  const bench = new Bench();
  bench.failure = new TrigateError('GATEWAY_UNREACHABLE', 'is away');
  await bench.says(broken('seen'));
  expect(bench.writes).toBe(0);
  await bench.pass(5_000);
  expect([bench.writes, bench.message]).toEqual([1, 'seen']);
});

test('an API server that is busy is left alone for as long as it asks', async () => {
  const bench = new Bench();
  bench.failure = new ResourceError('GATEWAY_UNREACHABLE', 'too many requests', { retryAfter: 30_000 });
  await bench.says(broken('first'));
  for (let n = 0; n < 10; n++)
    await bench.says({ type: n % 2 ? 'connected' : 'disconnected', reason: '', message: '' });
  await bench.says(broken('last'), 28_000);
  expect(bench.tries).toBe(1);
  await bench.pass(2_000);
  expect([bench.tries, bench.message]).toEqual([2, 'last']);
});

test('a trigger whose status cannot be found is asked for again while it is there; a closed writer writes nothing', async () => {
  const bench = new Bench();
  bench.failure = new TrigateError('NOT_FOUND', 'has no status');
  await bench.says(broken('first'));
  await bench.pass(29_000);
  expect(bench.tries).toBe(1);
  await bench.pass(2_000);
  expect([bench.tries, bench.message]).toEqual([2, 'first']);
  bench.failure = new TrigateError('NOT_FOUND', 'is gone');
  await bench.says({ type: 'connected', message: 'reads' });
  bench.isGone = true;
  await bench.pass(60_000);
  expect(bench.tries).toBe(3);
  bench.writer.soon('kafka/a/t');
  await bench.writer.close(bench.clock.monotonic() + 1_000);
  expect(bench.clock.pending).toBe(0);
});

test('a write without an answer is given up at the deadline of the close', async () => {
  const bench = new Bench();
  bench.isSilent = true;
  await bench.says(broken('unheard'));
  let isClosed = false;
  const closing = bench.writer.close(bench.clock.monotonic() + 1_000).then(() => {
    isClosed = true;
  });
  await bench.pass(900);
  expect([bench.tries, isClosed]).toEqual([1, false]);
  await bench.pass(200);
  await closing;
  expect(bench.clock.pending).toBe(0);
});

test('while a write waits for its answer no timer runs, however much there is to say', async () => {
  const bench = new Bench();
  bench.isSilent = true;
  await bench.says(broken('unheard'));
  for (let n = 0; n < 100; n++) bench.writer.soon('kafka/a/t');
  await bench.pass(1_000);
  expect([bench.tries, bench.clock.pending]).toEqual([1, 0]);
  const closing = bench.writer.close(bench.clock.monotonic());
  await bench.pass(100);
  await closing;
});
