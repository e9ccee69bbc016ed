import { delivery, fanout, labelSelector, type ResourceType, type TriggerSpec, z } from '../../src/sdk.ts';

export const kafkaTriggerType: ResourceType = {
  group: 'kubeless.io',
  version: 'v1beta1',
  kind: 'KafkaTrigger',
  plural: 'kafkatriggers',
  singular: 'kafkatrigger',
  shortNames: ['kt'],
  namespaced: true,
};

export interface KafkaTriggerSpec extends TriggerSpec {
  readonly topic: string;
  readonly startFrom: 'newest' | 'earliest';
  readonly onOffsetsLost: 'hold' | 'newest' | 'earliest';
  readonly paused: boolean;
  readonly onPause: 'hold' | 'skip';
  readonly onRejoin: 'resume' | 'newest';
}

/** Paused, and what comes meanwhile is not wanted. */
export const skips = ({ paused, onPause }: KafkaTriggerSpec): boolean => paused && onPause === 'skip';

/** Without looking ahead, which the API server of a cluster cannot: not ".", not "..", else of the letters allowed. */
const TOPIC = /^([a-zA-Z0-9_-]|\.[a-zA-Z0-9_-]|\.\.[a-zA-Z0-9._-])[a-zA-Z0-9._-]*$/;

export const kafkaTriggerSpec: z.ZodType<KafkaTriggerSpec> = z.strictObject({
  topic: z
    .string()
    .min(1)
    .max(249)
    .regex(TOPIC, 'must consist of letters, digits, ".", "_" and "-", and not be "." or ".."')
    .describe('The topic whose events are forwarded.'),
  functionSelector: labelSelector.default({}),
  delivery,
  fanout,
  startFrom: z.enum(['newest', 'earliest']).default('newest').describe('Where to start while no position exists.'),
  onOffsetsLost: z
    .enum(['hold', 'newest', 'earliest'])
    .default('hold')
    .describe('What to do when the position is no longer in the topic: wait for a person, or go on, counting the gap.'),
  onRejoin: z
    .enum(['resume', 'newest'])
    .default('resume')
    .describe(
      'fanout: isolated only. A function that was not selected for a while goes on where it stopped, or at the newest event; ' +
        'those in between are counted as paused_skip.',
    ),
  paused: z.boolean().default(false).describe('Calls no function.'),
  onPause: z
    .enum(['hold', 'skip'])
    .default('hold')
    .describe('While paused: hold the position, and go on there; or skip what comes, counted as paused_skip.'),
});
