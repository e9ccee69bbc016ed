import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { servedTypes } from '../../src/cli/served-types.ts';
import { TrigateError } from '../../src/domain/errors.ts';
import type { TriggerKind } from '../../src/domain/kind.ts';
import type { KubernetesObject } from '../../src/domain/resource.ts';
import { createResources } from '../../src/resources/client.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { configMapType } from '../../src/standalone/api/core-types.ts';
import type { Broker, ConformanceTopic, Connection, Harness, Publication } from '../../test/conformance/harness.ts';
import { freePort } from '../../test/support/port.ts';
import { startResourceApi } from '../../test/support/resource-api.ts';
import { createKubernetesKind, kubernetesTriggerType } from './index.ts';

const noPast = 'an API server has no past to begin with: a new trigger begins now, or with the objects that exist';

const skips: Harness['skips'] = {
  'what is larger than maxBytes is dropped as too_large': 'an object is larger than the ten bytes of this case',
  'an event without data is delivered without data': 'there is always an object',
  'the bytes of an event are not changed': 'an object is JSON',
  'a message that only looks like a CloudEvent is a message like any other': 'an object has no headers',
  'the id of an event is the same whoever reads it, and no other event has it': noPast,
  'startFrom counts only where no position exists': noPast,
  'two sources of one group share the events': 'a watch is held by one process at a time; another one stands by',
};

/** The embedded API. */
export const kubernetesHarness: Harness = {
  name: 'kubernetes',
  durable: true,
  skips,
  async start() {
    const api = await startResourceApi(servedTypes([createKubernetesKind({ home: noHome, alone: true })]));
    return apiBroker(api.resources, async () => api[Symbol.asyncDispose]());
  },
};

/** A cluster's API server, with the CustomResourceDefinitions. */
export const clusterHarness = (start: () => Promise<{ resources: Resources; stop(): Promise<void> }>): Harness => ({
  name: 'kubernetes on kube-apiserver',
  durable: true,
  skips,
  async start() {
    const { resources, stop } = await start();
    return apiBroker(resources, stop);
  },
});

const noHome = (): never => {
  throw new Error('this kind only says what its types are');
};

/** Of any API server. */
export async function apiBroker(resources: Resources, stop: () => Promise<void>): Promise<Broker> {
  const nowhere = createResources({ url: `http://127.0.0.1:${await freePort()}` });
  return {
    createTopic: async () => createTopic(resources),
    connect: () => connectionTo(resources),
    connectNowhere: () => connectionTo(nowhere),
    declare: (trigger) => declare(resources, trigger),
    published: (body) => configMap.parse(JSON.parse(body.toString())).data.value,
    async stop() {
      await nowhere.close();
      await stop();
    },
  };
}

const configMap = z.object({ data: z.object({ value: z.string() }) });

/** A process of its own, as far as the API server can see. */
function connectionTo(resources: Resources): Connection {
  const kind = createKubernetesKind({ home: () => resources, alone: true });
  return { kind: { ...kind, spec: z.preprocess(onConfigMaps, kind.spec) } as TriggerKind, close: async () => {} };
}

/** The suite speaks of topics; here one is a label of ConfigMaps. */
function onConfigMaps(spec: unknown): object {
  const { topic, startFrom: _, ...rest } = z.looseObject({ topic: z.string() }).parse(spec);
  return { ...rest, resource: { apiVersion: 'v1', kind: 'ConfigMap' }, labelSelector: { matchLabels: { topic } } };
}

/** Each key is an object, each publication a change of it. */
function createTopic(resources: Resources): ConformanceTopic {
  const topic = `t-${randomUUID().slice(0, 8)}`;
  const made = new Set<string>();
  const publish = async ({ key = 'key', data }: Publication) => {
    const name = `${topic}-${key}`;
    const value = String(data);
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', labels: { topic } },
      data: { value },
    };
    if (made.has(key)) await resources.patch(configMapType, 'default', name, { data: { value } });
    else await resources.create<KubernetesObject>(configMapType, object);
    made.add(key);
  };
  return {
    pattern: topic,
    async publish(events) {
      for (const event of events) await publish(event);
    },
    async delete() {
      await Promise.all([...made].map((key) => resources.delete(configMapType, 'default', `${topic}-${key}`)));
    },
  };
}

async function declare(resources: Resources, name: string): Promise<string> {
  const object: KubernetesObject = {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'KubernetesTrigger',
    metadata: { name, namespace: 'default' },
    spec: { resource: { apiVersion: 'v1', kind: 'ConfigMap' }, functionSelector: {} },
  };
  const stored = await resources.create(kubernetesTriggerType, object).catch((thrown) => {
    if (thrown instanceof TrigateError && thrown.code === 'ALREADY_EXISTS')
      return resources.get(kubernetesTriggerType, 'default', name);
    throw thrown;
  });
  return stored.metadata.uid ?? '';
}
