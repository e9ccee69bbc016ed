import type { TriggerKind } from '../../src/sdk.ts';
import type { LogReader } from './reader.ts';
import { openLogSource } from './source.ts';
import type { LogTriggerSpec, OrderedBy } from './spec.ts';

export type {
  Batch,
  GroupOwner,
  GroupRequest,
  LogGroup,
  LogReader,
  Predecessor,
  ReadLimit,
  StoredCoordinates,
  StoredEvent,
} from './reader.ts';
export type { LogTriggerSpec, OrderedBy } from './spec.ts';

/** What the log takes over from the kind that it stands in for: all that a user sees. */
export type ServedKind<Spec extends LogTriggerSpec> = Pick<
  TriggerKind<Spec>,
  'name' | 'resource' | 'eventNamespace' | 'eventType' | 'spec'
>;

/**
 * The kind that serves another kind's triggers from the embedded log while their broker is not configured.
 * @param orderedBy what `delivery.order: key` goes by: the key of the record (Kafka), or the subject (NATS)
 */
export function logKind<Spec extends LogTriggerSpec>(
  served: ServedKind<Spec>,
  log: LogReader,
  orderedBy: OrderedBy = 'key',
): TriggerKind<Spec> {
  return {
    name: served.name,
    resource: served.resource,
    eventNamespace: served.eventNamespace,
    eventType: served.eventType,
    spec: served.spec,
    guarantee: {
      promise: 'At most once, and every event that does not arrive is counted, also across kill -9 and loss of power.',
      crash:
        'Events claimed and not settled are counted as unknown(crash): what the lanes held, and outcomes of the last 100 ms.',
      order: 'Order of publication over the whole log; with order: key, events of one key follow each other.',
    },
    open: (subscription, context) => openLogSource(subscription, context, { log, kind: served.name, orderedBy }),
  };
}
