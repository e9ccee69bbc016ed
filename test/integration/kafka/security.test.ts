import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaConnection } from '../../../src/cli/kinds.ts';
import { readConfig } from '../../../src/config/index.ts';
import type { Logger } from '../../../src/domain/kind.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { type Authority, type Certificate, createAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { type Replica, startReplica } from '../../support/kafka-subscription.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const USER = 'gateway';
const PASSWORD = 'hunter2-of-the-test';
/** kafkajs logs in again 10 s before a login ends. */
const LOGIN_LASTS_MS = 10_500;

let folder: TempDir;
let kafka: Kafka;
let authority: Authority;
let brokerFiles: { readonly keyStore: string; readonly trustStore: string };
let client: Certificate;

const path = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await tempDir('security');
  authority = await createAuthority(folder.path, 'authority');
  client = await authority.issue('client');
  brokerFiles = { keyStore: path('broker.pem'), trustStore: path('clients.pem') };
  await copyFile((await authority.issue('broker')).both, brokerFiles.keyStore);
  await copyFile(authority.cert, brokerFiles.trustStore);
  kafka = await startKafka({ security: { ...brokerFiles, users: { [USER]: PASSWORD }, loginLasts: LOGIN_LASTS_MS } });
});
afterAll(async () => {
  await kafka?.stop();
  await folder.remove();
});

/** All that was logged, at any level, with everything in it. */
class Lines implements Logger {
  readonly all: string[] = [];
  debug = this.#add;
  info = this.#add;
  warn = this.#add;
  error = this.#add;

  #add(fields: object, message: string): void {
    this.all.push(`${message} ${inspect(fields, { depth: 9, showHidden: true, getters: false })}`);
  }
}

type Variables = Readonly<Record<string, string>>;

/** A replica that is configured as a gateway is: by Kubeless' variables. */
function replicaWith(env: Variables, topic: TestTopic, recorder: Recorder, log?: Logger): Replica {
  const config = readConfig({ KAFKA_ENABLE_TLS: 'true', ...env }).kafka;
  if (config === undefined) throw new Error('no brokers');
  const { brokers, ...connection } = kafkaConnection(config);
  const spec = { startFrom: 'earliest' };
  return startReplica({ brokers, connection, topic: topic.name, recorder, spec, ...(log !== undefined && { log }) });
}

const address = (listener: 'login' | 'mutualTls'): string => kafka.secure[0]?.[listener] ?? '';
const trusting = (): Variables => ({ KAFKA_CACERTS: authority.cert });
const login = (mechanism: string): Variables => ({
  ...trusting(),
  KAFKA_BROKERS: address('login'),
  KAFKA_ENABLE_SASL: 'true',
  KAFKA_USERNAME: USER,
  KAFKA_PASSWORD: PASSWORD,
  KAFKA_SASL_MECHANISM: mechanism,
});
const certified = ({ cert, key }: Certificate): Variables => ({
  ...trusting(),
  KAFKA_BROKERS: address('mutualTls'),
  KAFKA_CERT: cert,
  KAFKA_KEY: key,
});

const delivers = (replica: Replica, events: number) =>
  eventually(`${events} events are delivered`, () => replica.row()?.delivered === events || undefined, {
    within: 60_000,
  });

/** The sentence that people see when it cannot connect. */
const refusal = (replica: Replica): Promise<string> =>
  eventually(
    'it says why it is not connected',
    () => {
      const { status } = replica;
      return status.type === 'disconnected' && status.reason !== 'Connecting' && status.message;
    },
    { within: 60_000 },
  );

test.each(['plain', 'SCRAM-SHA-256', 'scram-sha-512'])('reads over TLS with a login: %s', async (mechanism) => {
  await using topic = await createTopic(kafka.brokers);
  await using recorder = await startRecorder(['f']);
  await topic.produce(20);
  await using replica = replicaWith(login(mechanism), topic, recorder);
  await delivers(replica, 20);
});

test('reads with a certificate of its own, and says so when the broker wants one', async () => {
  await using topic = await createTopic(kafka.brokers);
  await using recorder = await startRecorder(['f']);
  await topic.produce(20);
  await using bare = replicaWith({ ...trusting(), KAFKA_BROKERS: address('mutualTls') }, topic, recorder);
  expect(await refusal(bare)).toMatch(/^Kafka cannot be reached: [^:]*: [^:]*certificate( required)?$/);
  await bare.close();
  await using replica = replicaWith(certified(client), topic, recorder);
  await delivers(replica, 20);
});

test('trusts an unknown authority only with KAFKA_INSECURE', async () => {
  await using topic = await createTopic(kafka.brokers);
  await using recorder = await startRecorder(['f']);
  await topic.produce(20);
  const stranger = await createAuthority(folder.path, 'stranger');
  const env = { ...login('plain'), KAFKA_CACERTS: stranger.cert };
  await using wary = replicaWith(env, topic, recorder);
  expect(await refusal(wary)).toMatch(/^Kafka cannot be reached: [^:]*: .*certificate/);
  await wary.close();
  await using replica = replicaWith({ ...env, KAFKA_INSECURE: 't' }, topic, recorder);
  await delivers(replica, 20);
});

describe.each(['plain', 'scram-sha-256'])('a wrong password (%s)', (mechanism) => {
  test('is one sentence, one connection for each try, and stands nowhere', async () => {
    await using topic = await createTopic(kafka.brokers);
    await using recorder = await startRecorder(['f']);
    const secret = 'wrong-hunter3';
    const log = new Lines();
    await using proxy = await tcpProxy(address('login'));
    const env = { ...login(mechanism), KAFKA_PASSWORD: secret, KAFKA_BROKERS: proxy.address };
    await using replica = replicaWith(env, topic, recorder, log);
    const sentence = await refusal(replica);
    expect(sentence).toMatch(/^Kafka refused the login: SASL .*authentication failed.*invalid credentials|username/i);
    const tries = () => log.all.filter((line) => line.startsWith('the source is not connected')).length;
    await eventually('it has tried three times', () => tries() >= 3);
    const connections = log.all.filter((line) => line.includes('authentication failed')).length;
    expect(connections).toBeLessThanOrEqual(3 * (tries() + 1));
    expect([sentence, ...log.all].join('\n')).not.toContain(secret);
  });
});

test('a password that changes is used for the next login, also on a connection that stands', async () => {
  await using topic = await createTopic(kafka.brokers);
  await using recorder = await startRecorder(['f']);
  const file = path('password');
  await writeFile(file, PASSWORD);
  const { KAFKA_PASSWORD: _, ...rest } = login('scram-sha-512');
  const log = new Lines();
  await using replica = replicaWith({ ...rest, KAFKA_PASSWORD_FILE: file }, topic, recorder, log);
  await replica.connected();
  const changed = 'hunter4-of-the-test';
  await kafka.changePassword(USER, changed);
  // It has to log in again, and is refused.
  expect(await refusal(replica)).toMatch(/^Kafka refused the login: /);
  await topic.produce(20);
  await writeFile(file, `${changed}\n`);
  await delivers(replica, 20);
  for (const secret of [PASSWORD, changed]) expect(log.all.join('\n')).not.toContain(secret);
  await kafka.changePassword(USER, PASSWORD);
});

test('certificates that change are used for the next connection, and what runs goes on', async () => {
  await using topic = await createTopic(kafka.brokers);
  await using recorder = await startRecorder(['f']);
  const files = { ca: path('ca.pem'), cert: path('cert.pem'), key: path('key.pem') };
  await copyFile(authority.cert, files.ca);
  await copyFile(client.cert, files.cert);
  await copyFile(client.key, files.key);
  const env = { KAFKA_CACERTS: files.ca, KAFKA_CERT: files.cert, KAFKA_KEY: files.key };
  const log = new Lines();
  await using replica = replicaWith({ ...env, KAFKA_BROKERS: address('mutualTls') }, topic, recorder, log);
  await replica.connected();

  const next = await createAuthority(folder.path, 'next');
  const renewed = await next.issue('client');
  await copyFile((await next.issue('broker')).both, brokerFiles.keyStore);
  await copyFile(next.cert, brokerFiles.trustStore);
  await kafka.restart();
  expect(await refusal(replica)).toMatch(/^Kafka cannot be reached: /);
  await copyFile(next.cert, files.ca);
  await copyFile(renewed.cert, files.cert);
  await copyFile(renewed.key, files.key);
  await topic.produce(20);
  await delivers(replica, 20);
  const seen = replica.history.length;
  // A file that is wrong for a moment concerns nobody who is connected.
  await writeFile(files.cert, '');
  await topic.produce(20, { from: 20 });
  await delivers(replica, 40);
  expect(replica.history.slice(seen)).toEqual([]);
  expect(log.all.join('\n')).not.toContain('PRIVATE KEY');
});
