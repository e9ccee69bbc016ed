import { TrigateError } from '../domain/errors.ts';
import { readNamedFile, readSecretFile, rereading } from './files.ts';
import type { Merged } from './merge.ts';
import { Secret } from './secret.ts';
import type { Settings } from './settings.ts';

/** How to reach Kafka. What stands in files is read again for each connection, so it can be changed. */
export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly tls: KafkaTls | undefined;
  readonly sasl: KafkaSasl | undefined;
  /** Milliseconds after which the broker gives the partitions of a member that fell silent to others. */
  readonly sessionTimeout: number;
}

export interface KafkaTls {
  /** Reads the files as they are now. */
  readonly read: () => KafkaCertificates;
  /** Does not check whose certificate the broker shows. */
  readonly insecure: boolean;
}

/** PEM. */
export interface KafkaCertificates {
  readonly ca: string | undefined;
  readonly client: { readonly cert: string; readonly key: Secret } | undefined;
}

export interface KafkaSasl {
  readonly mechanism: Settings['kafkaSaslMechanism'];
  readonly username: string;
  /** As it is now. */
  readonly password: () => Secret;
}

/** Kubeless' variables, with its words for what is missing. Undefined without `KAFKA_BROKERS`. */
export function kafkaConfig(settings: Settings, merged: Merged): KafkaConfig | undefined {
  if (settings.kafkaBrokers === undefined) return undefined;
  return {
    brokers: settings.kafkaBrokers,
    tls: settings.kafkaEnableTls ? tls(settings, merged) : undefined,
    sasl: settings.kafkaEnableSasl ? sasl(settings, merged) : undefined,
    sessionTimeout: settings.kafkaSessionTimeout,
  };
}

function tls(settings: Settings, merged: Merged): KafkaTls {
  const { kafkaCaCerts: ca, kafkaCert: cert, kafkaKey: key } = settings;
  if (cert !== undefined && key === undefined) {
    throw incomplete('client private key is mandatory when certificate file is provided', 'KAFKA_KEY', 'KAFKA_CERT');
  }
  if (key !== undefined && cert === undefined) {
    throw incomplete('client certificate is mandatory when private key file is provided', 'KAFKA_CERT', 'KAFKA_KEY');
  }
  const read = rereading(() => ({
    ca: ca === undefined ? undefined : readNamedFile(merged, 'kafkaCaCerts', ca),
    client:
      cert === undefined || key === undefined
        ? undefined
        : {
            cert: readNamedFile(merged, 'kafkaCert', cert),
            key: new Secret(readNamedFile(merged, 'kafkaKey', key)),
          },
  }));
  return { read, insecure: settings.kafkaInsecure };
}

function sasl(settings: Settings, merged: Merged): KafkaSasl {
  const { kafkaUsername: username, kafkaPassword, kafkaPasswordFile: file, kafkaSaslMechanism: mechanism } = settings;
  if (kafkaPassword !== undefined && file !== undefined) {
    throw new TrigateError('INVALID_CONFIG', 'KAFKA_PASSWORD and KAFKA_PASSWORD_FILE are both set; keep one of them.');
  }
  const password =
    file === undefined
      ? kafkaPassword && (() => kafkaPassword)
      : rereading(() => readSecretFile(merged, 'kafkaPasswordFile', file));
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? 'KAFKA_USERNAME' : 'KAFKA_PASSWORD or KAFKA_PASSWORD_FILE';
    throw incomplete('username and password is mandatory', missing, 'KAFKA_ENABLE_SASL');
  }
  return { mechanism, username, password };
}

const incomplete = (kubelessText: string, missing: string, because: string) =>
  new TrigateError('INVALID_CONFIG', `${kubelessText}: ${missing} is not set while ${because} is.`);
