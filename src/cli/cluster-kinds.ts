import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { createKafkaKind } from '../../triggers/kafka/index.ts';
import { createKubernetesKind } from '../../triggers/kubernetes/index.ts';
import { createNatsKind } from '../../triggers/nats/index.ts';
import type { Config } from '../config/index.ts';
import type { Clock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Logger, TriggerKind } from '../domain/kind.ts';
import type { Topics } from '../domain/publish.ts';
import type { Resources } from '../resources/resources.ts';
import { kafkaConnection } from './kinds.ts';
import { natsConnection } from './nats-connection.ts';

/** A kind of a controller, bound to its broker. */
export interface ClusterKind {
  readonly kind: TriggerKind;
  /** Undefined: its events come from no topic. */
  readonly topics: Topics | undefined;
  close(): Promise<void>;
}

type Bind = (config: Config, log: Logger, clock: Clock, resources: () => Resources) => ClusterKind;

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
  kubernetes: (config, _, __, resources) => ({
    kind: createKubernetesKind({ home: resources, policy: config.kubernetes, alone: false }),
    topics: undefined,
    close: async () => {},
  }),
};

export const clusterKindNames: readonly string[] = Object.keys(binders);

/**
 * @param resources the cluster's API; asked when the first trigger opens. Default: there is none
 * @throws TrigateError INVALID_ARGUMENT for a name that is no kind; INVALID_CONFIG for one without its broker
 */
export function bindClusterKinds(
  names: readonly string[],
  config: Config,
  log: Logger,
  clock: Clock,
  resources: () => Resources = noApi,
): readonly ClusterKind[] {
  return [...new Set(names)].map((name) => {
    const bind = binders[name];
    if (bind !== undefined) return bind(config, log, clock, resources);
    const text = `The kind must be one of ${clusterKindNames.join(', ')}, found "${name}".`;
    throw new TrigateError('INVALID_ARGUMENT', text);
  });
}

const noApi = (): never => {
  throw new TrigateError('INTERNAL', 'This process speaks to no API server.');
};

const notConfigured = (variable: string): TrigateError =>
  new TrigateError('INVALID_CONFIG', `${variable} must be set: this controller has no broker without it.`);
