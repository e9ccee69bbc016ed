import { expect } from 'vitest';
import { checkDelivery } from '../support/checker.ts';
import { numberedBodies } from '../support/numbered.ts';
import type { Recorder } from '../support/recorder.ts';
import type { Case } from './claim-cases.ts';
import type { CaseName, Publication } from './harness.ts';
import type { FunctionName } from './rig.ts';

/** Events with different bodies and ten keys in turn. */
export const numbered = (count: number, from = 0): Publication[] =>
  numberedBodies(count, from).map((data, i) => ({ data, key: `key-${i % 10}` }));

export const hasAll = (recorder: Recorder, count: number): Promise<void> =>
  recorder.waitFor(`${count} requests`, () => recorder.distinct() >= count);

/** Every function got each of the numbered events once, and nothing else. */
export function expectEachOnce(recorder: Recorder, functions: readonly FunctionName[], count: number): void {
  const findings = checkDelivery({ functions, bodies: numberedBodies(count) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
}

const numberOf = (body: string | undefined): number => Number(/\d+/.exec(body ?? '')?.[0]);

const both = ['f', 'g'] as const;

/** How events arrive. */
export const deliveryCases = {
  async 'isolated: each function gets each event once'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await Promise.all(both.map((name) => member.open(topic, { functions: [name] })));
    await topic.publish(numbered(200));
    await hasAll(rig.recorder, 400);
    expectEachOnce(rig.recorder, both, 200);
    await member.close();
    for (const name of both) expect(member.row('t', name)).toMatchObject({ read: 200, claimed: 200, delivered: 200 });
  },

  async 'shared: each function gets each event once'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic, { functions: both, fanout: 'shared' });
    await topic.publish(numbered(200));
    await hasAll(rig.recorder, 400);
    expectEachOnce(rig.recorder, both, 200);
    await member.close();
    for (const name of both) expect(member.row('t', name)).toMatchObject({ read: 200, claimed: 200, delivered: 200 });
  },

  async 'events of one key arrive in order'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic, { delivery: { concurrency: 8, order: 'key' } });
    // Later events are answered sooner: without order they would overtake.
    let arrived = 0;
    rig.recorder.behave('f', () => ({ type: 'answer', status: 200, afterMs: 3 - (arrived++ % 4) }));
    await topic.publish(numbered(200));
    await hasAll(rig.recorder, 200);
    const byKey = Map.groupBy(rig.recorder.records, ({ body }) => numberOf(body) % 10);
    expect(byKey.size).toBe(10);
    for (const records of byKey.values()) {
      const numbers = records.map(({ body }) => numberOf(body));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  },

  async 'what is larger than maxBytes is dropped as too_large'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic, { delivery: { maxBytes: 10 } });
    await topic.publish([{ data: 'x'.repeat(10) }, { data: 'x'.repeat(11) }, { data: 'last' }]);
    await hasAll(rig.recorder, 2);
    await member.close();
    expect(rig.recorder.records.map(({ body }) => body)).toEqual(['x'.repeat(10), 'last']);
    expect(member.row()).toMatchObject({ read: 3, claimed: 2, delivered: 2, droppedBeforeClaim: { too_large: 1 } });
  },

  async 'an event without data is delivered without data'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic);
    await topic.publish([{ data: null }, { data: '' }]);
    await hasAll(rig.recorder, 2);
    expect(rig.recorder.records.map(({ body }) => body)).toEqual(['', '']);
  },

  async 'the bytes of an event are not changed'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic);
    const data = Uint8Array.from({ length: 1_024 }, (_, i) => i % 256);
    await topic.publish([{ data }]);
    await hasAll(rig.recorder, 1);
    expect(rig.recorder.records[0]?.bytes).toEqual(Buffer.from(data));
  },

  async 'a message that only looks like a CloudEvent is a message like any other'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic);
    const envelope = '"specversion":"1.0","id":"1","source":"/s","type":"t"';
    // They are JSON, and nested more deeply than JSON.stringify can follow.
    const hostile = [
      `{${envelope},"data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `{${envelope},"subject":"${'s'.repeat(20_000)}"}`,
      `{"specversion":"1.0"`,
    ];
    const contentType = 'application/cloudevents+json';
    await topic.publish([{ data: 'first' }, ...hostile.map((data) => ({ data, contentType })), { data: 'last' }]);
    await hasAll(rig.recorder, 5);
    await member.close();
    expect(rig.recorder.records.map(({ body }) => body)).toEqual(['first', ...hostile, 'last']);
    expect(member.row()).toMatchObject({ read: 5, claimed: 5, delivered: 5 });
  },

  async 'the id of an event is the same whoever reads it, and no other event has it'(rig) {
    const topics = [await rig.topic(), await rig.topic()];
    for (const topic of topics) await topic.publish(numbered(20));
    for (const [i, topic] of topics.entries()) {
      for (const functions of both.map((name) => [name])) {
        const member = rig.member();
        await member.open(topic, { functions, startFrom: 'earliest', trigger: `t${i}` });
        await rig.recorder.waitFor('its events', ({ of }) => of(functions[0] ?? 'f').length === 20 * (i + 1));
        await member.close();
      }
    }
    const ids = (name: FunctionName) => rig.recorder.of(name).map(({ eventId, body }) => `${body} ${eventId}`);
    expect(ids('f').slice(0, 20).sort()).toEqual(ids('g').slice(0, 20).sort());
    expect(ids('f').slice(20).sort()).toEqual(ids('g').slice(20).sort());
    expect(new Set(rig.recorder.of('f').map(({ eventId }) => eventId)).size).toBe(40);
  },
} satisfies Partial<Record<CaseName, Case>>;
