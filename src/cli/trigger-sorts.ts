import type { z } from 'zod';
import type { ResourceType } from '../domain/resource.ts';

/** A row for each sort of trigger that listens to a topic: all that its commands differ in. */
export interface TriggerSort {
  /** In the command line. */
  readonly noun: 'kafka' | 'nats';
  /** At the head of messages. */
  readonly title: string;
  /** What Kubeless calls the argument. */
  readonly argument: string;
  readonly exampleTopic: string;
  /** The kind's own declaration; loaded by the command that needs it, because most do not. */
  load(): Promise<TriggerDeclaration>;
}

export interface TriggerDeclaration {
  readonly type: ResourceType;
  readonly spec: z.ZodType;
}

export const triggerSorts: readonly TriggerSort[] = [
  {
    noun: 'kafka',
    title: 'Kafka',
    argument: 'kafka trigger name',
    exampleTopic: 'orders',
    async load() {
      const { kafkaTriggerType, kafkaTriggerSpec } = await import('../../triggers/kafka/spec.ts');
      return { type: kafkaTriggerType, spec: kafkaTriggerSpec };
    },
  },
  {
    noun: 'nats',
    title: 'NATS',
    argument: 'NATS trigger name',
    exampleTopic: "'orders.*'",
    async load() {
      const { natsTriggerType, natsTriggerSpec } = await import('../../triggers/nats/spec.ts');
      return { type: natsTriggerType, spec: natsTriggerSpec };
    },
  },
];
