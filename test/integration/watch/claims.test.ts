import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { watchCheckpointType } from '../../../triggers/kubernetes/checkpoint.ts';
import { apiBroker } from '../../../triggers/kubernetes/harness.ts';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { numbered } from '../../conformance/delivery-cases.ts';
import { Rig } from '../../conformance/rig.ts';
import { checkLedger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { gated } from '../../support/gated-resources.ts';
import { gapsOf, got, rowOf, startRig, type WatchRig } from './rig.ts';

const arrived = ({ recorder }: WatchRig, requests: number) =>
  recorder.waitFor(`${requests} requests`, ({ records }) => records.length >= requests);

describe('the position of a KubernetesTrigger', () => {
  test('is kept: after a restart nothing comes again, and what happened meanwhile comes once', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    const first = await rig.controller();
    await rig.ready('t');
    await rig.write('a', '1');
    await arrived(rig, 1);
    await first.close();
    await rig.write('a', '2');
    await rig.write('b', '1');
    await rig.remove('b');
    const second = await rig.controller();
    await arrived(rig, 4);
    await second.close();
    await rig.controller();
    await rig.write('a', '3');
    await arrived(rig, 5);
    expect(got(rig.recorder)).toEqual(['added a=1', 'modified a=2', 'added b=1', 'deleted b=1', 'modified a=3']);
  });

  test('is one for all that watch the same, in one object and by one watch', async () => {
    const rig = await startRig();
    const { resources, watches } = (() => {
      const way = gated(rig.resources);
      return { resources: way.resources, watches: () => way.watches };
    })();
    for (let i = 0; i < 500; i++) await rig.trigger(`t${i}`, {}, i % 2 === 0 ? 'f' : 'g');
    const before = watches();
    await rig.controller({ watched: () => resources });
    for (let i = 0; i < 500; i++) await rig.ready(`t${i}`);
    await rig.write('a', '1');
    await arrived(rig, 500);
    expect(watches() - before).toBe(1);
    const checkpoints = await rig.checkpoints();
    expect(checkpoints).toHaveLength(1);
    expect(checkpoints[0]?.spec).toMatchObject({ kind: 'ConfigMap', scope: 'default', identity: 'gateway' });
    await rig.trigger('other', { labelSelector: { matchLabels: { app: 'x' } } });
    await rig.ready('other');
    expect(watches() - before).toBe(2);
  });

  test('of a new trigger is now, also beside others that have been there for long', async () => {
    const rig = await startRig();
    await rig.trigger('old');
    await rig.controller();
    await rig.ready('old');
    await rig.write('a', '1');
    await arrived(rig, 1);
    await rig.trigger('new', {}, 'g');
    await rig.ready('new');
    await rig.write('a', '2');
    await arrived(rig, 3);
    expect(got(rig.recorder, 'f')).toEqual(['added a=1', 'modified a=2']);
    expect(got(rig.recorder, 'g')).toEqual(['modified a=2']);
  });

  test('of a trigger with includeExisting is before what exists, once', async () => {
    const rig = await startRig();
    for (let i = 0; i < 300; i++) await rig.write(`a${i}`, '1');
    await rig.trigger('t', { includeExisting: true });
    const first = await rig.controller();
    await arrived(rig, 300);
    await rig.write('a7', '2');
    await arrived(rig, 301);
    await first.close();
    expect(rowOf(first, 't')).toMatchObject({ read: 301, delivered: 301 });
    await rig.controller();
    await rig.ready('t');
    await rig.write('b', '1');
    await arrived(rig, 302);
    expect(rig.recorder.distinct()).toBe(302);
    expect(rig.recorder.records.filter(({ headers }) => headers['event-existing'] === 'true')).toHaveLength(300);
  });

  test('outlives an edit, while another trigger of the same watch goes on', async () => {
    const rig = await startRig();
    await rig.trigger('steady', {}, 'g');
    await rig.trigger('edited');
    const controller = await rig.controller();
    await rig.ready('steady');
    await rig.ready('edited');
    for (let i = 0; i < 30; i++) {
      await rig.write(`a${i}`, '1');
      if (i % 10 !== 5) continue;
      const delivery = { concurrency: 10 + i };
      await rig.resources.patch(kubernetesTriggerType, 'default', 'edited', { spec: { delivery } });
    }
    await arrived(rig, 60);
    expect(got(rig.recorder, 'f').sort()).toEqual(Array.from({ length: 30 }, (_, i) => `added a${i}=1`).sort());
    expect(gapsOf(controller, 'edited')).toEqual([]);
    await eventually('all is counted', () => rowOf(controller, 'edited').delivered === 30);
    expect(checkLedger(controller.delivery.report())).toEqual([]);
  });

  test('stays while it is paused, also when the watch goes on for others', async () => {
    const rig = await startRig();
    await rig.trigger('steady', {}, 'g');
    await rig.trigger('t');
    await rig.controller();
    await rig.ready('steady');
    await rig.ready('t');
    await rig.resources.patch(kubernetesTriggerType, 'default', 't', { spec: { paused: true } });
    await eventually('it is paused', async () => (await rig.conditionOf('t', 'Paused'))?.status === 'True');
    await eventually('nobody reads for it', async () => {
      const [checkpoint] = await rig.checkpoints();
      return JSON.stringify(checkpoint?.status).includes('"at"');
    });
    for (let i = 0; i < 5; i++) await rig.write(`a${i}`, '1');
    await arrived(rig, 5);
    expect(rig.recorder.of('f')).toEqual([]);
    await rig.resources.patch(kubernetesTriggerType, 'default', 't', { spec: { paused: false } });
    await arrived(rig, 10);
    expect(got(rig.recorder, 'f').sort()).toEqual(got(rig.recorder, 'g').sort());
  });

  test('goes when its last trigger goes', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    await rig.controller();
    await rig.ready('t');
    expect(await rig.checkpoints()).toHaveLength(1);
    await rig.resources.delete(kubernetesTriggerType, 'default', 't');
    await eventually('the checkpoint is gone', async () => (await rig.checkpoints()).length === 0);
    await rig.trigger('t');
    await rig.ready('t');
    await rig.write('a', '1');
    await arrived(rig, 1);
    expect(await rig.checkpoints()).toHaveLength(1);
  });

  test('is written anew when a person has deleted the object, and nothing comes twice', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    const first = await rig.controller();
    await rig.ready('t');
    await rig.write('a', '1');
    await arrived(rig, 1);
    const [checkpoint] = await rig.checkpoints();
    await rig.resources.delete(watchCheckpointType, 'default', checkpoint?.metadata.name ?? '');
    await rig.write('a', '2');
    await arrived(rig, 2);
    await first.close();
    await rig.controller();
    await rig.write('a', '3');
    await arrived(rig, 3);
    expect(got(rig.recorder)).toEqual(['added a=1', 'modified a=2', 'modified a=3']);
  });
});

describe('a claim', () => {
  test('whose answer was lost is looked up, and its events come once', async () => {
    const rig = await startRig();
    const way = gated(rig.resources);
    await rig.trigger('t');
    const controller = await rig.controller({}, way.resources);
    await rig.ready('t');
    for (let i = 0; i < 20; i++) {
      if (i % 4 === 0) way.loseAnswers(2);
      await rig.write('a', `${i}`);
    }
    await arrived(rig, 20);
    await eventually('all is counted', () => rowOf(controller, 't').delivered === 20);
    expect(rig.recorder.distinct()).toBe(20);
    expect(rig.recorder.records).toHaveLength(20);
    expect(checkLedger(controller.delivery.report())).toEqual([]);
  });

  test('that stands only after its trigger was closed is of the source that comes next, and balances', async () => {
    const { resources } = await startRig();
    const way = gated(resources);
    const broker = await apiBroker(way.resources, async () => {});
    onTestFinished(() => broker.stop());
    await using rig = await Rig.start(broker);
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic, { trigger: 'other', functions: ['g'] });
    const reading = await member.open(topic);
    way.hold();
    await topic.publish(numbered(1));
    await eventually('the claim is on its way', () => way.waiting > 0);
    await reading.abandon();
    const next = member.open(topic);
    for (let i = 0; i < 500; i++) await nextTurn();
    way.letGo();
    await next;
    await topic.publish(numbered(1, 1));
    await rig.until('the next one comes', () => member.row().delivered === 1);
    expect(member.row()).toMatchObject({ read: 2, claimed: 2, delivered: 1, dropped: { shutdown: 1 }, inFlight: 0 });
    expect(rig.recorder.of('f')).toHaveLength(1);
    await rig.until('the other had both', () => member.row('other', 'g').delivered === 2);
  });

  test('of a process that died is counted as unknown(crash) by the next one', async () => {
    const rig = await startRig();
    rig.recorder.behave('f', { type: 'hang' });
    await rig.trigger('t', { delivery: { concurrency: 4 } });
    const way = gated(rig.resources);
    const dying = await rig.controller({}, way.resources);
    await rig.ready('t');
    await rig.write('a', '1');
    await rig.write('b', '1');
    await arrived(rig, 2);
    way.cut();
    rig.recorder.behave('f', { type: 'answer', status: 200 });
    const next = await rig.controller();
    await rig.write('c', '1');
    await arrived(rig, 3);
    await eventually('all is counted', () => rowOf(next, 't').delivered === 1);
    expect(rowOf(next, 't')).toMatchObject({ read: 3, claimed: 3, unknown: { crash: 2 }, inFlight: 0 });
    await rig.recorder.down('f');
    way.open();
    await dying.close();
  });

  test('is not made by a process that was away while another one took the watch over', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    const way = gated(rig.resources);
    const lease = { alone: false, leaseMs: 300 };
    const first = await rig.controller(lease, way.resources);
    await rig.ready('t');
    await rig.write('a', '1');
    await arrived(rig, 1);
    way.cut();
    const second = await rig.controller(lease);
    await rig.write('a', '2');
    await arrived(rig, 2);
    way.open();
    await rig.write('a', '3');
    await arrived(rig, 3);
    await eventually(
      'the first one stands by',
      () => first.controller.views().some(({ connected }) => connected) && rowOf(first, 't').read === 0,
    );
    await second.close();
    await rig.write('a', '4');
    await arrived(rig, 4);
    // What was answered and not stored when it was cut off is in doubt for whoever comes next.
    await eventually('the first one has it again', () => {
      const { delivered, unknown } = rowOf(first, 't');
      return delivered + (unknown.crash ?? 0) === 4;
    });
    expect(got(rig.recorder)).toEqual(['added a=1', 'modified a=2', 'modified a=3', 'modified a=4']);
  });

  test('is made by one of two processes, and the other takes over at once when that one leaves', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    // So long that nobody is taken for dead here, and nobody looks by himself.
    const lease = { alone: false, leaseMs: 120_000 };
    const first = await rig.controller(lease);
    await rig.ready('t');
    const second = await rig.controller(lease);
    await rig.standsBy(second);
    for (let i = 0; i < 20; i++) {
      await rig.write('a', `${i}`);
      if (i === 10) void first.close();
    }
    await arrived(rig, 20);
    expect(rig.recorder.distinct()).toBe(20);
    await first.close();
    await eventually('all is counted', () => rowOf(second, 't').delivered === 20);
    expect(rig.recorder.records).toHaveLength(20);
  });

  test('stays with its holder when a person deletes the object while another process stands by', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    const lease = { alone: false, leaseMs: 3_000 };
    const first = await rig.controller(lease);
    await rig.ready('t');
    const second = await rig.controller(lease);
    await rig.standsBy(second);
    await rig.write('a', '1');
    await arrived(rig, 1);
    const [checkpoint] = await rig.checkpoints();
    const holder = () => rig.checkpoints().then(([found]) => (found?.status as { holder?: string })?.holder);
    const before = await holder();
    await rig.resources.delete(watchCheckpointType, 'default', checkpoint?.metadata.name ?? '');
    expect(await eventually('it is made again', holder)).toBe(before);
    await rig.write('a', '2');
    await arrived(rig, 2);
    expect(rowOf(first, 't').read).toBe(2);
  });
});
