import { describe, expect, test } from 'vitest';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { checkLedger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { gated } from '../../support/gated-resources.ts';
import { gapsOf, got, rowOf, startRig, type WatchRig } from './rig.ts';

/** The server forgets after so many changes. */
const history = { changes: 20, bytes: 2 ** 20 };

const arrived = ({ recorder }: WatchRig, requests: number) =>
  recorder.waitFor(`${requests} requests`, ({ records }) => records.length >= requests);

/** More changes than the server remembers. */
async function forget(rig: WatchRig): Promise<void> {
  for (let i = 0; i < 30; i++) await rig.write('noise', `${i}`, { noise: 'yes' });
}

const quiet = { labelSelector: { matchExpressions: [{ key: 'noise', operator: 'DoesNotExist' }] } };
const collapsed = ({ recorder }: WatchRig) =>
  recorder.records.filter(({ headers }) => headers['event-collapsed'] === 'true').length;

describe('history that the API server has forgotten', () => {
  test.each([{ streams: true }, { streams: false }])(
    'while the process lived: what differs comes once, collapsed, and the gap is told (streaming lists: $streams)',
    async ({ streams }) => {
      const rig = await startRig({ history });
      const way = gated(rig.resources, { minor: 34, streams });
      await rig.trigger('t', { ...quiet, mode: 'envelope' });
      const controller = await rig.controller({ watched: () => way.resources });
      await rig.ready('t');
      for (const name of ['changed', 'gone', 'same']) await rig.write(name, '1');
      await arrived(rig, 3);
      way.cut();
      await rig.write('changed', '2');
      await rig.write('changed', '3');
      await rig.remove('gone');
      await rig.write('new', '1');
      await rig.write('brief', '1');
      await rig.remove('brief');
      await forget(rig);
      way.open();
      await arrived(rig, 6);
      await rig.write('same', '2');
      await arrived(rig, 7);
      const events = rig.recorder.records.slice(3).map(({ body }) => JSON.parse(body ?? ''));
      const told = events.map(
        ({ type, object, oldObject }) => `${type} ${object.metadata.name} ${oldObject?.data.value}`,
      );
      expect(told.slice(0, 3).sort()).toEqual(['ADDED new undefined', 'DELETED gone 1', 'MODIFIED changed 1']);
      expect(told[3]).toBe('MODIFIED same 1');
      expect(collapsed(rig)).toBe(3);
      expect(way.streams).toBe(streams ? 1 : 0);
      expect(gapsOf(controller, 't')).toEqual([
        { from: expect.any(Number), to: expect.any(Number), cause: expect.stringContaining('410 Gone') },
      ]);
      const connected = await eventually('the status tells of it', async () => {
        const condition = await rig.conditionOf('t', 'SourceConnected');
        return condition?.message.includes('gap') && condition;
      });
      expect(connected).toMatchObject({ status: 'True', message: expect.stringContaining('1 gap from ') });
      await eventually('all is counted', () => rowOf(controller, 't').delivered === 7);
      expect(checkLedger(controller.delivery.report())).toEqual([]);
    },
  );

  test('while nobody ran: what is newer comes once, collapsed, where versions can be compared', async () => {
    const rig = await startRig({ history });
    await rig.trigger('t', quiet);
    const first = await rig.controller();
    await rig.ready('t');
    for (const name of ['changed', 'same']) await rig.write(name, '1');
    await arrived(rig, 2);
    await first.close();
    await rig.write('changed', '2');
    await rig.write('new', '1');
    await forget(rig);
    const second = await rig.controller();
    await arrived(rig, 4);
    await rig.write('same', '2');
    await arrived(rig, 5);
    // Whether one is new or was changed is known by its time, to the second.
    const objects = got(rig.recorder).map((text) => text.split(' ')[1]);
    expect(objects.slice(2).sort()).toEqual(['changed=2', 'new=1', 'same=2']);
    expect(collapsed(rig)).toBe(2);
    expect(gapsOf(second, 't')).toHaveLength(1);
    await second.close();
    await rig.controller();
    await rig.ready('t');
    expect(rig.recorder.records).toHaveLength(5);
  });

  test('while nobody ran: nothing is invented where versions cannot be compared; only the gap is told', async () => {
    const rig = await startRig({ history });
    const way = gated(rig.resources, { minor: 34 });
    await rig.trigger('t', quiet);
    const first = await rig.controller({ watched: () => way.resources });
    await rig.ready('t');
    await rig.write('a', '1');
    await arrived(rig, 1);
    await first.close();
    await rig.write('a', '2');
    await forget(rig);
    const second = await rig.controller({ watched: () => way.resources });
    await eventually('the gap is told', () => gapsOf(second, 't').length === 1);
    await rig.write('a', '3');
    await arrived(rig, 2);
    expect(got(rig.recorder)).toEqual(['added a=1', 'modified a=3']);
    await second.close();
    const third = await rig.controller({ watched: () => way.resources });
    await rig.ready('t');
    await eventually('the gap of before is shown', async () => {
      return (await rig.conditionOf('t', 'SourceConnected'))?.message.includes('1 gap') === true;
    });
    expect(gapsOf(third, 't')).toEqual([]);
  });

  test('behind one trigger that was away is that trigger’s alone', async () => {
    const rig = await startRig({ history });
    await rig.trigger('steady', {}, 'g');
    await rig.trigger('t', { paused: true });
    const controller = await rig.controller({ limits: { changes: 5 } });
    await rig.ready('steady');
    await eventually('both have a position', async () => {
      const [checkpoint] = await rig.checkpoints();
      return Object.keys((checkpoint?.status as { members?: object })?.members ?? {}).length === 2;
    });
    await rig.write('a', '1');
    await forget(rig);
    await rig.resources.patch(kubernetesTriggerType, 'default', 't', { spec: { paused: false } });
    await eventually('the gap is told', () => gapsOf(controller, 't').length === 1);
    await rig.recorder.waitFor('what is newer', ({ of }) => of('f').length === 2);
    await rig.write('a', '2');
    await rig.recorder.waitFor('what comes next', ({ of }) => of('f').length === 3);
    expect(got(rig.recorder, 'f').toSorted()).toEqual(['modified a=1', 'modified a=2', 'modified noise=29']);
    await rig.recorder.waitFor('the other has all', ({ of }) => of('g').length === 32);
    expect(collapsed(rig)).toBe(2);
    expect(gapsOf(controller, 'steady')).toEqual([]);
  });
});

describe('a function that is slow', () => {
  test('holds up no other, and what waits too long for it is dropped as overflow', async () => {
    const rig = await startRig();
    await rig.trigger('slow', { delivery: { room: 4, concurrency: 1, stall: '200ms' } });
    await rig.trigger('fast', {}, 'g');
    rig.recorder.behave('f', { type: 'answer', status: 200, afterMs: 100 });
    const controller = await rig.controller();
    await rig.ready('slow');
    await rig.ready('fast');
    for (let i = 0; i < 100; i++) await rig.write(`a${i}`, '1');
    await rig.recorder.waitFor('the fast one has all', ({ of }) => of('g').length === 100);
    await eventually('all is decided', () => {
      const { read, inFlight } = rowOf(controller, 'slow');
      return read === 100 && inFlight === 0;
    });
    const { droppedBeforeClaim, claimed, delivered } = rowOf(controller, 'slow');
    expect(delivered).toBe(claimed);
    expect((droppedBeforeClaim.overflow ?? 0) + claimed).toBe(100);
    expect(droppedBeforeClaim.overflow).toBeGreaterThan(0);
    expect(rowOf(controller, 'fast', 'g')).toMatchObject({ delivered: 100, droppedBeforeClaim: {} });
  });

  test('costs a bounded backlog: the oldest goes, counted', async () => {
    const rig = await startRig();
    await rig.trigger('slow', { delivery: { room: 1, concurrency: 1 } });
    await rig.trigger('fast', {}, 'g');
    rig.recorder.behave('f', { type: 'hang' });
    const controller = await rig.controller({ limits: { changes: 10 } });
    await rig.ready('slow');
    await rig.ready('fast');
    for (let i = 0; i < 60; i++) {
      await rig.write(`a${i}`, '1');
      await rig.recorder.waitFor('the fast one has it', ({ of }) => of('g').length > i);
    }
    const { read, claimed, droppedBeforeClaim } = rowOf(controller, 'slow');
    expect(droppedBeforeClaim).toEqual({ overflow: read - claimed });
    expect(read).toBeGreaterThanOrEqual(50);
    await rig.recorder.down('f');
  });

  test('loses nothing of what the API server tells of all at once, as long as it keeps up', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    const first = await rig.controller();
    await rig.ready('t');
    await rig.write('a', '0');
    await arrived(rig, 1);
    await first.close();
    for (let i = 1; i <= 400; i++) await rig.write('a', `${i}`);
    const second = await rig.controller({ limits: { changes: 20 } });
    await arrived(rig, 401);
    await eventually('all is counted', () => rowOf(second, 't').delivered === 401);
    expect(rowOf(second, 't')).toMatchObject({ read: 401, claimed: 401, droppedBeforeClaim: {} });
    expect(gapsOf(second, 't')).toEqual([]);
  });

  test('that is away has its events dropped under its own reason', async () => {
    const rig = await startRig();
    await rig.trigger('t', { delivery: { stall: '100ms' } });
    const controller = await rig.controller();
    await rig.ready('t');
    await rig.recorder.down('f');
    await rig.write('a', '1');
    await eventually('the first was tried', () => rowOf(controller, 't').read === 1);
    await rig.write('a', '2');
    await eventually('the second is dropped', () => (rowOf(controller, 't').droppedBeforeClaim.unreachable ?? 0) > 0);
    await rig.recorder.up('f');
  });
});
