import type { StructuralSchema } from './structural-schema.ts';

const text = (description: string): StructuralSchema => ({ type: 'string', description });

const conditions: StructuralSchema = {
  type: 'array',
  description: 'What is true now. Ready sums up the others.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: text('Name of the condition.'),
      status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
      reason: text('Why, in one word for programs.'),
      message: text('Why, in a sentence for people.'),
      lastTransitionTime: { type: 'string', format: 'date-time', description: 'When the status last changed.' },
      observedGeneration: { type: 'integer', format: 'int64', description: 'The generation that this was said of.' },
    },
  },
};

/** What a controller writes into a trigger. */
export const triggerStatus: StructuralSchema = {
  type: 'object',
  description: 'What is. Written by the controller.',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64', description: 'The generation that the rest speaks of.' },
    conditions,
    functions: { type: 'array', items: { type: 'string' }, description: 'The functions that get the events.' },
    counts: {
      type: 'object',
      additionalProperties: { type: 'integer', format: 'int64' },
      description: 'Copies of events by what became of them; for display, the ledger counts.',
    },
    progress: {
      type: 'object',
      description:
        'How far the sources are, for display: the least that was seen in half a minute, rounded down to one digit. With ' +
        'several replicas, of the partitions of the one that wrote last; the metrics have all of them.',
      properties: {
        lag: { type: 'integer', format: 'int64', description: 'Events that wait at the broker. Absent: not known.' },
        unsettled: {
          type: 'integer',
          format: 'int64',
          description: 'Claimed events that a crash would leave in doubt.',
        },
        rebalances: { type: 'integer', format: 'int64', description: 'Changes of who reads which partition.' },
      },
    },
    lastEventTime: { type: 'string', format: 'date-time', description: 'When the last event came.' },
    memory: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      description: 'What the controller remembers of its sources.',
    },
    claims: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      description: 'Claims of sources that keep them here, by group. Not to be edited.',
    },
  },
};

/** What a holder of a shared watch writes, see `triggers/kubernetes/checkpoint.ts`. */
export const checkpointStatus: StructuralSchema = {
  type: 'object',
  description: 'The claims. Written by whoever holds the watch.',
  properties: {
    holder: text('Who holds the watch. Empty: nobody.'),
    writes: { type: 'integer', format: 'int64', description: 'How often it has been written.' },
    position: text('Resource version up to which everything is decided on.'),
    part: text('Which changes of that version itself are decided on, where not all are.'),
    settled: text('Resource version up to which everything has its outcome.'),
    time: { type: 'string', format: 'date-time', description: 'When the position was heard of.' },
    members: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      // One entry for all of it: field by field the server would note more than is stored.
      'x-kubernetes-map-type': 'atomic',
      description: 'Position and counts of each trigger.',
    },
    left: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      'x-kubernetes-map-type': 'atomic',
      description: 'Counts of functions that left long ago.',
    },
  },
};

/** What runs a function may write more than this. */
export const functionStatus: StructuralSchema = {
  type: 'object',
  description: 'What is. Written by what runs the function.',
  'x-kubernetes-preserve-unknown-fields': true,
  properties: { endpoint: text('Where the function answers.'), conditions },
};
