import { TrigateError } from '../domain/errors.ts';
import { readNamedFile, readSecretFile } from './files.ts';
import type { Merged } from './merge.ts';
import { Secret } from './secret.ts';
import type { Settings } from './settings.ts';

/** How to reach Kafka. Files are read: certificates and keys stand here as PEM. */
export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly tls: KafkaTls | undefined;
  readonly sasl: KafkaSasl | undefined;
  /** Milliseconds after which the broker gives the partitions of a member that fell silent to others. */
  readonly sessionTimeout: number;
}

export interface KafkaTls {
  readonly ca: string | undefined;
  readonly client: { readonly cert: string; readonly key: Secret } | undefined;
  /** Does not check whose certificate the broker shows. */
  readonly insecure: boolean;
}

export interface KafkaSasl {
  readonly mechanism: Settings['kafkaSaslMechanism'];
  readonly username: string;
  readonly password: Secret;
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
  return {
    ca: ca === undefined ? undefined : readNamedFile(merged, 'kafkaCaCerts', ca),
    client:
      cert === undefined || key === undefined
        ? undefined
        : {
            cert: readNamedFile(merged, 'kafkaCert', cert),
            key: new Secret(readNamedFile(merged, 'kafkaKey', key)),
          },
    insecure: settings.kafkaInsecure,
  };
}

function sasl(settings: Settings, merged: Merged): KafkaSasl {
  const { kafkaUsername: username, kafkaPassword, kafkaPasswordFile: file, kafkaSaslMechanism: mechanism } = settings;
  if (kafkaPassword !== undefined && file !== undefined) {
    throw new TrigateError('INVALID_CONFIG', 'KAFKA_PASSWORD and KAFKA_PASSWORD_FILE are both set; keep one of them.');
  }
  const password = file === undefined ? kafkaPassword : readSecretFile(merged, 'kafkaPasswordFile', file);
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? 'KAFKA_USERNAME' : 'KAFKA_PASSWORD or KAFKA_PASSWORD_FILE';
    throw incomplete('username and password is mandatory', missing, 'KAFKA_ENABLE_SASL');
  }
  return { mechanism, username, password };
}

const incomplete = (kubelessText: string, missing: string, because: string) =>
  new TrigateError('INVALID_CONFIG', `${kubelessText}: ${missing} is not set while ${because} is.`);
