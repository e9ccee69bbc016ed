import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { turns } from '../../test/support/outlet.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/resource.ts';
import type { Trigger } from '../domain/trigger.ts';
import { ResourceError } from '../resources/resource-error.ts';
import type { Resources } from '../resources/resources.ts';
import { NoticeWriter } from './notice-writer.ts';
import type { Notice } from './notices.ts';

const trigger = (name = 't'): Trigger => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KafkaTrigger',
  metadata: { namespace: 'a', name, uid: `uid-${name}`, resourceVersion: '7' },
});
const about = (note: string): Notice => ({ type: 'Warning', reason: 'SourceDisconnected', note });
const silent = { debug() {}, info() {}, warn() {}, error() {} };

class Bench {
  readonly clock = new ManualClock();
  made: KubernetesObject[] = [];
  patched: { name: string; patch: object }[] = [];
  failure: Error | undefined;
  tries = 0;
  readonly writer: NoticeWriter;

  constructor() {
    const resources: Pick<Resources, 'create' | 'patch'> = {
      create: async (_type, object) => {
        this.#fail();
        this.made.push(object);
        return object;
      },
      patch: async (_type, _namespace, name, patch) => {
        this.#fail();
        this.patched.push({ name, patch });
        throw new TrigateError('NOT_FOUND', 'nobody looks at the answer');
      },
    };
    this.writer = new NoticeWriter({ resources, clock: this.clock, log: silent, instance: 'pod-1' });
    benches.push(this);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= 1_000) {
      this.clock.advance(Math.min(1_000, left));
      for (let n = 0; n < 10; n++) await turns();
    }
  }

  #fail(): void {
    this.tries++;
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

const benches: Bench[] = [];
afterEach(async () => {
  for (const { writer, clock } of benches.splice(0)) {
    await writer.close();
    expect(clock.pending).toBe(0);
  }
});

test('an Event says about which object, what, and who saw it', async () => {
  const bench = new Bench();
  bench.writer.tell(trigger(), about('the broker is away'));
  await bench.pass(0);
  expect(bench.made).toMatchObject([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: 'a', name: expect.stringMatching(/^t\.[0-9a-f]+$/) },
      eventTime: expect.stringMatching(/\.\d{6}Z$/),
      reportingController: 'trigate.dev/controller',
      reportingInstance: 'pod-1',
      type: 'Warning',
      reason: 'SourceDisconnected',
      note: 'the broker is away',
      regarding: { kind: 'KafkaTrigger', namespace: 'a', name: 't', uid: 'uid-t', resourceVersion: '7' },
    },
  ]);
});

test('the same again is counted in the Event that is there, every ten seconds at most', async () => {
  const bench = new Bench();
  bench.writer.tell(trigger(), about('x'));
  await bench.pass(0);
  for (let n = 0; n < 50; n++) bench.writer.tell(trigger(), about('x'));
  await bench.pass(9_000);
  expect([bench.made.length, bench.patched.length]).toEqual([1, 0]);
  await bench.pass(2_000);
  const name = bench.made[0]?.metadata.name;
  expect(bench.patched).toEqual([{ name, patch: { series: { count: 51, lastObservedTime: expect.any(String) } } }]);
});

test('after ten quiet minutes the same is news', async () => {
  const bench = new Bench();
  bench.writer.tell(trigger(), about('x'));
  await bench.pass(600_000);
  bench.writer.tell(trigger(), about('x'));
  await bench.pass(0);
  expect(bench.made.length).toBe(2);
  expect(bench.made[0]?.metadata.name).not.toBe(bench.made[1]?.metadata.name);
});

test('a trigger that has always something new to say is cut off, and others are not', async () => {
  const bench = new Bench();
  for (let n = 0; n < 100; n++) bench.writer.tell(trigger(), about(`${n}`));
  bench.writer.tell(trigger('other'), about('x'));
  await bench.pass(0);
  expect(bench.made.length).toBe(26);
  await bench.pass(300_000);
  bench.writer.tell(trigger(), about('later'));
  await bench.pass(0);
  expect(bench.made.at(-1)).toMatchObject({ note: 'later' });
});

test('an API server that is busy is left alone for as long as it asks', async () => {
  const bench = new Bench();
  bench.failure = new ResourceError('GATEWAY_UNREACHABLE', 'too many requests', { retryAfter: 30_000 });
  bench.writer.tell(trigger(), about('a'));
  bench.writer.tell(trigger(), about('b'));
  await bench.pass(0);
  await bench.pass(29_000);
  expect(bench.tries).toBe(1);
  await bench.pass(1_000);
  expect(bench.made).toMatchObject([{ note: 'b' }]);
});

test('without the right to write them, it is not tried again for minutes', async () => {
  const bench = new Bench();
  bench.failure = new TrigateError('FORBIDDEN', 'may not');
  for (let n = 0; n < 10; n++) bench.writer.tell(trigger(), about(`${n}`));
  await bench.pass(299_000);
  expect(bench.tries).toBe(1);
});

test('a sentence that is too long is cut where a character ends', async () => {
  const bench = new Bench();
  bench.writer.tell(trigger(), about('ü€'.repeat(1_000)));
  await bench.pass(0);
  const note = String(bench.made[0]?.note);
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
  expect(note).toMatch(/…$/);
});
