import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { OutletBench, turns } from '../../test/support/outlet.ts';
import { forgetful, silent, storeless } from '../../test/support/topic-log.ts';
import { kafkaTriggerType } from '../../triggers/kafka/spec.ts';
import type { SourceContext, TriggerKind } from '../domain/kind.ts';
import { delivery, fanout, labelSelector } from '../domain/trigger.ts';
import { RunningSubscription } from './subscription.ts';

const trigger = { kind: 'scripted', namespace: 'default', name: 't', uid: 'u' };

/** A subscription whose sources do nothing by themselves, and what each of them was given. */
function start() {
  const { clock, delivery: core } = new OutletBench();
  const opened: SourceContext[] = [];
  const kind: TriggerKind = {
    name: 'scripted',
    resource: kafkaTriggerType,
    eventNamespace: 'kafkatriggers.kubeless.io',
    eventType: 'scripted',
    spec: z.strictObject({ functionSelector: labelSelector, delivery, fanout }),
    guarantee: { promise: '', crash: '', order: '' },
    async open(_, context) {
      opened.push(context);
      context.report({ type: 'connected', message: `source ${opened.length}` });
      return { close: async () => {} };
    },
  };
  const spec = kind.spec.parse({ functionSelector: {} });
  const desired = {
    key: 'k',
    version: '1',
    kind,
    subscription: { trigger, spec, fanout: spec.fanout, functions: [] },
    targets: [],
  };
  const subscription = new RunningSubscription(desired, {
    delivery: core,
    clock,
    random: () => 1,
    log: silent,
    memory: forgetful,
    store: storeless,
    stallAfter: 60_000,
    onChange() {},
  });
  onTestFinished(async () => {
    await subscription.close(clock.monotonic());
    expect(clock.pending).toBe(0);
  });
  return { clock, opened, subscription };
}

test('what a source says after it has failed is not about the one that comes next', async () => {
  const { clock, opened, subscription } = start();
  await turns(50);
  const [first] = opened;
  first?.fail(new Error('the broker is away'));
  first?.fail(new Error('and another reason'));
  first?.report({ type: 'connected', message: 'late' });
  await turns(50);
  expect(subscription.status).toMatchObject({ type: 'disconnected', message: 'the broker is away' });
  clock.advance(1_000);
  await turns(50);
  expect(opened).toHaveLength(2);
  first?.fail(new Error('later still'));
  first?.report({ type: 'disconnected', reason: 'Late', message: 'late' });
  expect(subscription.status).toEqual({ type: 'connected', message: 'source 2' });
});
