import { expect, test } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { turns } from '../../test/support/outlet.ts';
import { TrigateError } from '../domain/errors.ts';
import type { SourceStatus, TriggerKind } from '../domain/kind.ts';
import type { KubernetesObject } from '../domain/resource.ts';
import { delivery, type Trigger } from '../domain/trigger.ts';
import { ResourceError } from '../resources/resource-error.ts';
import type { Resources } from '../resources/resources.ts';
import { planTrigger } from './reconcile.ts';
import { StatusWriter } from './status-writer.ts';

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

const unused = () => Promise.reject(new Error('is not used here'));
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
  /** Thrown by the next write. */
  failure: Error | undefined;
  tries = 0;
  writes = 0;
  readonly writer: StatusWriter;

  constructor() {
    const f = { namespace: 'a', name: 'f', labels: {}, url: undefined, timeout: 1 };
    this.writer = new StatusWriter({
      kinds: [kind],
      resources: this.#resources(),
      clock: this.clock,
      log: silent,
      plans: () => [planTrigger(kind, this.stored, [f])],
      sources: () => [this.source],
    });
  }

  get message(): string | undefined {
    return this.stored.status?.conditions?.find(({ type }) => type === 'SourceConnected')?.message;
  }

  async says(source: SourceStatus, ms = 100): Promise<void> {
    this.source = source;
    this.writer.soon();
    await this.pass(ms);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.advance(Math.min(100, left));
      await turns();
    }
  }

  #resources(): Resources {
    const updateStatus = async <T extends KubernetesObject>(
      _type: unknown,
      _namespace: unknown,
      _name: string,
      change: (object: T) => T | undefined,
    ): Promise<T> => {
      this.tries++;
      const { failure } = this;
      this.failure = undefined;
      if (failure !== undefined) throw failure;
      const changed = change(this.stored as unknown as T);
      if (changed === undefined) return this.stored as unknown as T;
      this.writes++;
      this.stored = changed as unknown as Trigger;
      return changed;
    };
    const others = { list: unused, get: unused, create: unused, replace: unused, replaceStatus: unused };
    return { ...others, patch: unused, delete: unused, watch: unused, updateStatus, close: unused };
  }
}

const broken = (message: string): SourceStatus => ({ type: 'disconnected', reason: 'Broken', message });

test('changes in a row are one write, and what did not change is not written', async () => {
  const bench = new Bench();
  for (let n = 0; n < 10; n++) bench.writer.soon();
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

test('a trigger that has gone is not asked for again, and a closed writer writes nothing', async () => {
  const bench = new Bench();
  bench.failure = new TrigateError('NOT_FOUND', 'is gone');
  await bench.says(broken('gone'), 60_000);
  expect(bench.tries).toBe(1);
  bench.writer.soon();
  await bench.writer.close();
  expect(bench.clock.pending).toBe(0);
});
