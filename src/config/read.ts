import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { TrigateError } from '../domain/errors.ts';
import { readSecretFile } from './files.ts';
import { type KafkaConfig, kafkaConfig } from './kafka.ts';
import { type Environment, type Flags, invalidSetting, type Merged, merge, settingNames } from './merge.ts';
import { type NatsConfig, natsConfig } from './nats.ts';
import type { Secret } from './secret.ts';
import { type LogLevel, type Settings, settings } from './settings.ts';

/** What a gateway runs with: merged (defaults < environment < flags), validated, frozen. Safe to log: secrets hide. */
export interface Config {
  readonly port: number;
  /** Somebody asked for this very port: a taken one is an error, not a reason to look for the next. */
  readonly portGiven: boolean;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Folders and files given with `-f`, as given. */
  readonly manifests: readonly string[];
  readonly logLevel: LogLevel;
  /** Who makes the calls to functions. */
  readonly caller: Settings['caller'];
  readonly token: Secret | undefined;
  readonly limits: Limits;
  /** Milliseconds. */
  readonly shutdownDeadline: number;
  /** Milliseconds that a gateway beside controllers goes on taking requests when it is told to stop. */
  readonly shutdownDelay: number;
  /** Milliseconds after which a source that has work and does not move is opened anew. */
  readonly stallAfter: number;
  /** Undefined: the embedded log takes Kafka triggers. */
  readonly kafka: KafkaConfig | undefined;
  /** Undefined: the embedded log takes NATS triggers. */
  readonly nats: NatsConfig | undefined;
  /** What KubernetesTriggers may watch beyond what is harmless, in their own namespace. */
  readonly kubernetes: {
    readonly allow: readonly string[];
    readonly scopes: readonly ('allNamespaces' | 'cluster')[];
  };
  readonly kubeless: { readonly namespace: string; readonly config: string };
}

export interface Limits {
  /** Largest event that may be published, bytes. */
  readonly maxEventBytes: number;
}

/** @throws {TrigateError} INVALID_CONFIG */
export function readConfig(env: Environment, flags: Flags = {}): Config {
  const merged = merge(env, flags);
  const values = validate(merged);
  const token = tokenOf(values, merged);
  if (!isLoopback(values.host) && token === undefined) {
    throw new TrigateError(
      'INVALID_CONFIG',
      `${merged.get('host')?.from ?? '--host'} is ${JSON.stringify(values.host)}, which others can reach: set TRIGATE_TOKEN or --token-file, or use 127.0.0.1.`,
    );
  }
  return deepFreeze({
    port: values.port,
    portGiven: merged.has('port'),
    host: values.host,
    dataDir: resolve(values.dataDir),
    manifests: values.manifests,
    logLevel: values.logLevel,
    caller: values.caller,
    token,
    limits: { maxEventBytes: values.maxEventBytes },
    shutdownDeadline: values.shutdownDeadline,
    shutdownDelay: values.shutdownDelay,
    stallAfter: values.stallAfter,
    kafka: kafkaConfig(values, merged),
    nats: natsConfig(values, merged),
    kubernetes: { allow: values.kubernetesAllow, scopes: values.kubernetesScopes },
    kubeless: { namespace: values.kubelessNamespace, config: values.kubelessConfig },
  });
}

/** @throws {TrigateError} INVALID_CONFIG */
export function validate(merged: Merged): Settings {
  const raw = Object.fromEntries([...merged].map(([name, given]) => [name, given.value]));
  const result = settings.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = settingNames.find((each) => each === issue?.path[0]);
  if (issue === undefined || name === undefined) throw new TrigateError('INVALID_CONFIG', result.error.message);
  throw invalidSetting(merged, name, issue.message);
}

/** A file named on the command line wins over the variable. */
export function tokenOf(values: Settings, merged: Merged): Secret | undefined {
  const { token, tokenFile } = values;
  if (tokenFile === undefined) return printable(token, merged, 'token');
  if (token !== undefined && merged.get('tokenFile')?.from !== '--token-file') {
    throw new TrigateError('INVALID_CONFIG', 'TRIGATE_TOKEN and TRIGATE_TOKEN_FILE are both set; keep one of them.');
  }
  return printable(readSecretFile(merged, 'tokenFile', tokenFile), merged, 'tokenFile');
}

/** It travels in an HTTP header: RFC 6750 allows no spaces and no other alphabets. */
function printable(token: Secret | undefined, merged: Merged, name: 'token' | 'tokenFile'): Secret | undefined {
  if (token === undefined || /^[\x21-\x7e]+$/.test(token.reveal())) return token;
  const allowed = 'printable ASCII characters without spaces';
  throw invalidSetting(merged, name, name === 'token' ? allowed : `a file that holds ${allowed}`);
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

export function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
