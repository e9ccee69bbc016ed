import type { ConnectionOptions } from 'node:tls';
import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { createKafkaKind, type KafkaConnection, kafkaTrigger } from '../../triggers/kafka/index.ts';
import { createKubernetesKind } from '../../triggers/kubernetes/index.ts';
import { logKind } from '../../triggers/log/index.ts';
import { createNatsKind, natsTrigger } from '../../triggers/nats/index.ts';
import type { Config, KafkaConfig } from '../config/index.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger, TriggerKind } from '../domain/kind.ts';
import type { Topics } from '../domain/publish.ts';
import type { Resources } from '../resources/resources.ts';
import type { TopicLog } from '../standalone/log/topic-log.ts';
import { natsConnection } from './nats-connection.ts';

/** The kinds of a gateway, each bound to its broker or, without one, to the embedded log. */
export interface BoundKinds {
  readonly kinds: readonly TriggerKind[];
  /** Where topics can be published; the default first. */
  readonly topics: readonly Topics[];
  /** In words for the banner: `kafka`, `where its events come from`. */
  readonly sources: readonly { readonly name: string; readonly from: string }[];
  close(): Promise<void>;
}

/** The API servers of KubernetesTriggers; asked when the first one opens. */
export interface WatchedApis {
  /** Has the triggers. */
  readonly home: () => Resources;
  /** Has the objects that are watched. Default: the same. */
  readonly watched?: () => Resources;
  /** Tells the cluster that has them from others. */
  readonly cluster?: () => Promise<string>;
}

export function bindKinds(config: Config, log: TopicLog, logger: Logger, clock: Clock, apis: WatchedApis): BoundKinds {
  const kafka = config.kafka === undefined ? undefined : createKafkaKind(kafkaConnection(config.kafka), logger);
  const nats = config.nats === undefined ? undefined : createNatsKind(natsConnection(config.nats), clock);
  return {
    kinds: [
      kafka ?? logKind(kafkaTrigger, log, 'key'),
      nats ?? logKind(natsTrigger, log, 'subject'),
      // The data directory has one gateway at a time.
      createCronJobKind({ alone: true }),
      createKubernetesKind({ ...apis, policy: config.kubernetes, alone: true }),
    ],
    topics: [
      ...(kafka === undefined ? [] : [kafka.topics]),
      log,
      ...standIns(log, kafka?.topics, nats?.topics),
      ...(nats === undefined ? [] : [nats.streams]),
    ],
    sources: [
      { name: 'kafka', from: config.kafka?.brokers.join(', ') ?? 'embedded log' },
      { name: 'nats', from: config.nats?.servers.join(', ') ?? 'embedded log' },
    ],
    async close() {
      await Promise.all([kafka?.close(), nats?.close()]);
    },
  };
}

/** Whoever names a broker that is not configured means the log, which stands in for it. */
function standIns(log: TopicLog, kafka: Topics | undefined, nats: Topics | undefined): Topics[] {
  return [...(kafka === undefined ? [{ ...log, name: 'kafka' }] : []), nats ?? { ...log, name: 'nats' }];
}

export function kafkaConnection({ brokers, tls, sasl, sessionTimeout }: KafkaConfig): KafkaConnection {
  return {
    brokers,
    sessionTimeout,
    tls: tls && (() => tlsOptions(tls)),
    login: sasl && { ...sasl, password: () => sasl.password().reveal() },
  };
}

/** As the files say now. */
function tlsOptions({ read, insecure }: NonNullable<KafkaConfig['tls']>): ConnectionOptions {
  const { ca, client } = read();
  return {
    rejectUnauthorized: !insecure,
    ...(ca !== undefined && { ca }),
    ...(client !== undefined && { cert: client.cert, key: client.key.reveal() }),
  };
}
