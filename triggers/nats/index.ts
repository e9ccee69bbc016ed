import type { Clock, Topics, TriggerKind } from '../../src/sdk.ts';
import type { NatsConnectionOptions } from './client.ts';
import { createLink } from './connection.ts';
import { Interruptions } from './interruptions.ts';
import { openJetStreamSource } from './jetstream/open.ts';
import { openNatsSource } from './source.ts';
import { type NatsTriggerSpec, natsTriggerSpec, natsTriggerType } from './spec.ts';
import { jetstreamTopics, natsTopics } from './topics.ts';

export interface NatsKind extends TriggerKind<NatsTriggerSpec> {
  /** Subjects of core NATS. */
  readonly topics: Topics;
  /** Subjects that streams of JetStream keep. */
  readonly streams: Topics;
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

/** One connection for all triggers; it is made when the first of them opens. */
export function createNatsKind(options: NatsConnectionOptions, clock: Clock): NatsKind {
  const link = createLink(options, clock);
  const interruptions = new Interruptions();
  return {
    ...natsTrigger,
    guarantee: {
      promise:
        'At most once. Core NATS gives a message to one member of the queue group, once: receipt is the claim. JetStream records each delivery before it sends the message, and never delivers it again (max_deliver 1).',
      crash:
        'At most room + concurrency events per function. Core NATS: without a count, and counts are of this process. JetStream: counted as unknown(crash), one by one.',
      order: 'By subject (order: key), by subscription (order: partition), or none.',
    },
    open: (subscription, context) =>
      subscription.spec.jetstream === undefined
        ? openNatsSource(link, subscription, context, interruptions)
        : openJetStreamSource(link, subscription, context),
    topics: natsTopics(link),
    streams: jetstreamTopics(link),
    close: () => link.close(),
  };
}

export type { NatsConnectionOptions, NatsLogin, NatsTls } from './client.ts';
export { natsTriggerSpec, natsTriggerType };
