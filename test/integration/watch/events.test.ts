import { describe, expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import { eventually } from '../../support/eventually.ts';
import { got, rowOf, startRig } from './rig.ts';

describe('a KubernetesTrigger', () => {
  test('sends what is added, modified and deleted, each once, with the headers of Fission and of CloudEvents', async () => {
    const rig = await startRig();
    await rig.trigger('t');
    const controller = await rig.controller();
    await rig.ready('t');
    const added = await rig.write('a', '1');
    await rig.write('a', '2');
    await rig.remove('a');
    await rig.recorder.waitFor('three events', ({ records }) => records.length === 3);
    expect(got(rig.recorder)).toEqual(['added a=1', 'modified a=2', 'deleted a=2']);
    const [first] = rig.recorder.records;
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'event-namespace': 'kubernetestriggers.kubeless.io',
      'x-kubernetes-event-type': 'ADDED',
      'x-kubernetes-object-type': 'ConfigMap',
      'ce-type': 'dev.trigate.kubernetes.added',
      'ce-source': '/api/v1/configmaps',
      'ce-subject': '/api/v1/namespaces/default/configmaps/a',
    });
    expect(JSON.parse(first?.body ?? '')).toEqual({ ...added, apiVersion: 'v1', kind: 'ConfigMap' });
    expect(new Set(rig.recorder.records.map(({ eventId }) => eventId)).size).toBe(3);
    await eventually('it is counted', () => rowOf(controller, 't').delivered === 3);
  });

  test('sends the object without what tools keep in it for themselves', async () => {
    const rig = await startRig();
    await rig.trigger('t', { resource: { apiVersion: 'kubeless.io/v1beta1', kind: 'Function' } });
    await rig.controller();
    await rig.ready('t');
    const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
    await rig.resources.patch(functionType, 'default', 'g', {
      metadata: { annotations: { [lastApplied]: '{}', kept: 'yes' }, managedFields: [{ manager: 'kubectl' }] },
    });
    await rig.recorder.waitFor('an event', ({ records }) => records.length > 0);
    const { metadata } = JSON.parse(rig.recorder.records[0]?.body ?? '{}');
    expect(metadata.annotations).toEqual({ kept: 'yes' });
    expect(metadata).not.toHaveProperty('managedFields');
  });

  test('counts only the changes that it asks for, and brings the old object along', async () => {
    const rig = await startRig();
    await rig.write('a', '1');
    await rig.trigger('t', { events: ['modified'], changed: ['/data/value', '/data/other~1one'] });
    const controller = await rig.controller();
    await rig.ready('t');
    await rig.write('a', '1', { touched: 'yes' });
    await rig.write('a', '2', { touched: 'yes' });
    await rig.write('b', '1');
    await rig.recorder.waitFor('an event', ({ records }) => records.length > 0);
    await eventually('all are read', () => rowOf(controller, 't').read === 3);
    expect(rowOf(controller, 't')).toMatchObject({ read: 3, filtered: 2, claimed: 1 });
    const { type, object, oldObject, changed } = JSON.parse(rig.recorder.records[0]?.body ?? '');
    expect({ type, now: object.data.value, before: oldObject.data.value, changed }).toEqual({
      type: 'MODIFIED',
      now: '2',
      before: '1',
      changed: ['/data/value'],
    });
  });

  test('knows the old object also of what changed while nobody ran', async () => {
    const rig = await startRig();
    await rig.trigger('t', { mode: 'envelope' });
    const first = await rig.controller();
    await rig.ready('t');
    await rig.write('a', '1');
    await rig.recorder.waitFor('an event', ({ records }) => records.length === 1);
    await first.close();
    await rig.write('a', '2');
    await rig.write('a', '3');
    await rig.controller();
    await rig.recorder.waitFor('two more', ({ records }) => records.length === 3);
    const bodies = rig.recorder.records.map(({ body }) => JSON.parse(body ?? ''));
    expect(bodies.map(({ oldObject, object }) => [oldObject?.data.value, object.data.value])).toEqual([
      [undefined, '1'],
      ['1', '2'],
      ['2', '3'],
    ]);
  });

  test('sends a reference where that is enough', async () => {
    const rig = await startRig();
    await rig.trigger('t', { mode: 'reference' });
    await rig.controller();
    await rig.ready('t');
    const { metadata } = await rig.write('a', 'secret');
    await rig.recorder.waitFor('an event', ({ records }) => records.length === 1);
    const { name, namespace, uid, resourceVersion } = metadata;
    expect(JSON.parse(rig.recorder.records[0]?.body ?? '')).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, uid, resourceVersion },
    });
  });

  test('sees an object come to match its selector, and leave', async () => {
    const rig = await startRig();
    await rig.write('a', '1');
    await rig.trigger('t', { labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] } });
    await rig.trigger('field', { fieldSelector: 'metadata.name=b' }, 'g');
    await rig.controller();
    await rig.ready('t');
    await rig.ready('field');
    await rig.write('a', '2', { app: 'web' });
    await rig.write('a', '3', { app: 'other' });
    await rig.write('b', '1', { app: 'web' });
    await rig.recorder.waitFor('four events', ({ records }) => records.length === 4);
    expect(got(rig.recorder, 'f')).toEqual(['added a=2', 'deleted a=3', 'added b=1']);
    expect(got(rig.recorder, 'g')).toEqual(['added b=1']);
  });

  test('what is larger than maxBytes is dropped as too_large', async () => {
    const rig = await startRig();
    await rig.trigger('t', { delivery: { maxBytes: 500 } });
    const controller = await rig.controller();
    await rig.ready('t');
    await rig.write('a', 'x'.repeat(500));
    await rig.write('b', '1');
    await rig.recorder.waitFor('an event', ({ records }) => records.length === 1);
    await eventually('both are counted', () => rowOf(controller, 't').delivered === 1);
    expect(rowOf(controller, 't')).toMatchObject({ read: 2, claimed: 1, droppedBeforeClaim: { too_large: 1 } });
  });
});
