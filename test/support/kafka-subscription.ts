import type { DroppedReason } from '../../src/domain/outcome.ts';
import { createKafkaKind, type KafkaConnection } from '../../triggers/kafka/index.ts';
import { type Replica as Subscribed, startSubscription, type SubscriptionWanted as Wanted } from './subscription.ts';
import { silent } from './topic-log.ts';

export interface SubscriptionWanted extends Wanted {
  readonly brokers: readonly string[];
  /** Milliseconds. Default: 6,000. */
  readonly sessionTimeout?: number;
  /** How to reach the brokers, beside their addresses. */
  readonly connection?: Pick<KafkaConnection, 'tls' | 'login' | 'askEndsEvery'>;
}

export interface Replica extends Subscribed {
  /** What the feed says of copies that were dropped, in order. */
  readonly dropped: readonly { partition: number; offset: string; functionName: string; reason: DroppedReason }[];
}

export function startReplica(wanted: SubscriptionWanted): Replica {
  const { brokers, connection, sessionTimeout = 6_000, log = silent } = wanted;
  const kind = createKafkaKind({ ...connection, brokers, sessionTimeout }, log);
  const dropped: Replica['dropped'][number][] = [];
  const subscribed = startSubscription(kind, wanted, (_, { coordinates }, functionName, outcome) => {
    if (outcome.type !== 'dropped' || coordinates.type !== 'kafka') return;
    const { partition, offset } = coordinates;
    dropped.push({ partition, offset, functionName, reason: outcome.reason });
  });
  return Object.assign(subscribed, { dropped });
}
