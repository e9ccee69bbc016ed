import type { SASLOptions } from 'kafkajs';
import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { createKafkaKind, type KafkaConnection, kafkaTrigger } from '../../triggers/kafka/index.ts';
import { logKind } from '../../triggers/log/index.ts';
import { createNatsKind, type NatsConnectionOptions, type NatsLogin, natsTrigger } from '../../triggers/nats/index.ts';
import type { Config, KafkaConfig, NatsConfig } from '../config/index.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger, TriggerKind } from '../domain/kind.ts';
import type { Topics } from '../domain/publish.ts';
import type { TopicLog } from '../standalone/log/topic-log.ts';

/** The kinds of a gateway, each bound to its broker or, without one, to the embedded log. */
export interface BoundKinds {
  readonly kinds: readonly TriggerKind[];
  /** Where topics can be published; the default first. */
  readonly topics: readonly Topics[];
  /** In words for the banner: `kafka`, `where its events come from`. */
  readonly sources: readonly { readonly name: string; readonly from: string }[];
  close(): Promise<void>;
}

export function bindKinds(config: Config, log: TopicLog, logger: Logger, clock: Clock): BoundKinds {
  const kafka = config.kafka === undefined ? undefined : createKafkaKind(kafkaConnection(config.kafka), logger);
  const nats = config.nats === undefined ? undefined : createNatsKind(natsConnection(config.nats), clock);
  return {
    kinds: [
      kafka ?? logKind(kafkaTrigger, log, 'key'),
      nats ?? logKind(natsTrigger, log, 'subject'),
      // The data directory has one gateway at a time.
      createCronJobKind({ alone: true }),
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
    ...(tls !== undefined && {
      ssl: {
        rejectUnauthorized: !tls.insecure,
        ...(tls.ca !== undefined && { ca: [tls.ca] }),
        ...(tls.client !== undefined && { cert: tls.client.cert, key: tls.client.key.reveal() }),
      },
    }),
    ...(sasl !== undefined && { sasl: saslOptions(sasl) }),
  };
}

function saslOptions({ mechanism, username, password }: NonNullable<KafkaConfig['sasl']>): SASLOptions {
  const login = { username, password: password.reveal() };
  switch (mechanism) {
    case 'plain':
      return { mechanism: 'plain', ...login };
    case 'scram-sha-256':
      return { mechanism: 'scram-sha-256', ...login };
    case 'scram-sha-512':
      return { mechanism: 'scram-sha-512', ...login };
    default:
      return mechanism satisfies never;
  }
}

export function natsConnection({ servers, tls, login }: NatsConfig): NatsConnectionOptions {
  return {
    servers,
    tls: tls && { caFile: tls.caFile, ...tls.client },
    login: natsLogin(login),
  };
}

/** Secrets are asked for when a connection is made: they may have changed. */
function natsLogin(login: NatsConfig['login']): NatsLogin | undefined {
  switch (login.type) {
    case 'none':
      return undefined;
    case 'password':
      return { type: 'password', user: login.user, password: () => login.password.reveal() };
    case 'token':
      return { type: 'token', token: () => login.token.reveal() };
    case 'creds':
      return { type: 'creds', creds: () => login.read().reveal() };
    case 'nkey':
      return { type: 'nkey', seed: () => login.read().reveal() };
    default:
      return login satisfies never;
  }
}
