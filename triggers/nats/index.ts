import type { ConnectionOptions } from 'nats';
import type { Clock, Topics, TriggerKind } from '../../src/sdk.ts';
import { createLink } from './connection.ts';
import { openNatsSource } from './source.ts';
import { type NatsTriggerSpec, natsTriggerSpec, natsTriggerType } from './spec.ts';
import { natsTopics } from './topics.ts';

export interface NatsKind extends TriggerKind<NatsTriggerSpec> {
  readonly topics: Topics;
  close(): Promise<void>;
}

/** What is true of the kind wherever its events come from: NATS, or the embedded log. */
export const natsTrigger = {
  name: 'nats',
  resource: natsTriggerType,
  eventNamespace: 'natstriggers.kubeless.io',
  eventType: 'dev.trigate.nats.message',
  spec: natsTriggerSpec,
} as const;

export function createNatsKind(options: ConnectionOptions, clock: Clock): NatsKind {
  const link = createLink(options, clock);
  return {
    ...natsTrigger,
    guarantee: {
      promise: 'at most once: NATS gives a message to one member of the queue group, once; receipt is the claim',
      crash:
        'what the lanes hold, at most room + concurrency per function, without a count; counts are of this process',
      order: 'by subject (order: key), by subscription (order: partition), or none',
    },
    open: (subscription, context) => openNatsSource(link, subscription, context),
    topics: natsTopics(link),
    close: () => link.close(),
  };
}

export { natsTriggerSpec, natsTriggerType };
