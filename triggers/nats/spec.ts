import { delivery, fanout, labelSelector, type ResourceType, type TriggerSpec, z } from '../../src/sdk.ts';

export const natsTriggerType: ResourceType = {
  group: 'kubeless.io',
  version: 'v1beta1',
  kind: 'NATSTrigger',
  plural: 'natstriggers',
  singular: 'natstrigger',
  shortNames: ['nt'],
  namespaced: true,
};

export interface NatsTriggerSpec extends TriggerSpec {
  readonly topic: string;
  readonly startFrom: 'newest' | 'earliest';
  readonly paused: boolean;
  readonly jetstream?: JetStreamSpec | undefined;
}

export interface JetStreamSpec {
  readonly stream?: string | undefined;
  readonly startFrom?: 'newest' | 'earliest' | undefined;
  readonly domain?: string | undefined;
  readonly apiPrefix?: string | undefined;
}

/** A subject, with `*` for one token and `>` for the rest. */
const SUBJECT = /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/;

export const natsTriggerSpec: z.ZodType<NatsTriggerSpec> = z.strictObject({
  topic: z
    .string()
    .min(1)
    .max(255)
    .regex(SUBJECT, 'must be a NATS subject: tokens divided by ".", with "*" for one token and ">" for all that follow')
    .describe('The subject whose events are forwarded; wildcards are allowed.'),
  functionSelector: labelSelector.default({}),
  delivery,
  fanout,
  startFrom: z
    .enum(['newest', 'earliest'])
    .default('newest')
    .describe('Where to start while no position exists: on JetStream and the embedded log. Core NATS keeps nothing.'),
  paused: z
    .boolean()
    .default(false)
    .describe('Takes no events. JetStream keeps them; what passes on core NATS meanwhile is counted as paused_skip.'),
  jetstream: z
    .strictObject({
      stream: z
        .string()
        .min(1)
        .max(255)
        .regex(/^[^\s.*>/\\]+$/, 'must be the name of a stream: without spaces and . * > / \\')
        .optional()
        .describe('The stream that has the subject. Default: looked up by the subject.'),
      startFrom: z
        .enum(['newest', 'earliest'])
        .optional()
        .describe('Where to start while no position exists. Default: startFrom of the trigger.'),
      domain: z
        .string()
        .min(1)
        .max(255)
        .regex(/^[^\s.*>]+$/, 'must be the name of a JetStream domain: without spaces and . * >')
        .optional()
        .describe('The JetStream domain that has the stream, behind a leaf node.'),
      apiPrefix: z
        .string()
        .min(1)
        .max(255)
        .regex(/^[^\s.*>]+(?:\.[^\s.*>]+)*$/, 'must be a NATS subject without wildcards, such as JS.orders.API')
        .optional()
        .describe('Under which subject the JetStream API of another account is imported.'),
    })
    .refine(({ domain, apiPrefix }) => domain === undefined || apiPrefix === undefined, {
      path: ['apiPrefix'],
      message: 'must not stand beside domain: only one can say where the stream is',
    })
    .optional()
    .describe('Reads the subject from a stream of JetStream, durably, instead of core NATS. {} is enough.'),
});
