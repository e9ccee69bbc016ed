import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { createKafkaKind } from '../../triggers/kafka/index.ts';
import { createNatsKind } from '../../triggers/nats/index.ts';
import type { Config } from '../config/index.ts';
import type { Clock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Logger, TriggerKind } from '../domain/kind.ts';
import type { Topics } from '../domain/publish.ts';
import { kafkaConnection, natsConnection } from './kinds.ts';

/** A kind of a controller, bound to its broker. */
export interface ClusterKind {
  readonly kind: TriggerKind;
  /** Undefined: its events come from no topic. */
  readonly topics: Topics | undefined;
  close(): Promise<void>;
}

type Bind = (config: Config, log: Logger, clock: Clock) => ClusterKind;

const binders: Readonly<Record<string, Bind>> = {
  kafka(config, log) {
    if (config.kafka === undefined) throw notConfigured('KAFKA_BROKERS');
    const kind = createKafkaKind(kafkaConnection(config.kafka), log);
    return { kind, topics: kind.topics, close: () => kind.close() };
  },
  nats(config, _, clock) {
    if (config.nats === undefined) throw notConfigured('NATS_URL');
    const kind = createNatsKind(natsConnection(config.nats), clock);
    return { kind, topics: kind.topics, close: () => kind.close() };
  },
  // Another process may run the same triggers.
  cronjob: () => ({ kind: createCronJobKind({ alone: false }), topics: undefined, close: async () => {} }),
};

export const clusterKindNames: readonly string[] = Object.keys(binders);

/** @throws TrigateError INVALID_ARGUMENT for a name that is no kind; INVALID_CONFIG for one without its broker */
export function bindClusterKinds(
  names: readonly string[],
  config: Config,
  log: Logger,
  clock: Clock,
): readonly ClusterKind[] {
  return [...new Set(names)].map((name) => {
    const bind = binders[name];
    if (bind !== undefined) return bind(config, log, clock);
    const text = `The kind must be one of ${clusterKindNames.join(', ')}, found "${name}".`;
    throw new TrigateError('INVALID_ARGUMENT', text);
  });
}

const notConfigured = (variable: string): TrigateError =>
  new TrigateError('INVALID_CONFIG', `${variable} must be set: this controller has no broker without it.`);
