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
    .describe('Only on the embedded log: where to start while no position exists. Core NATS keeps nothing.'),
  paused: z.boolean().default(false).describe('Takes no events; what passes meanwhile is counted as paused_skip.'),
});
