import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection, nkeyAuthenticator } from 'nats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectionTo, coreTopic } from '../../../triggers/nats/harness.ts';
import type { NatsConnectionOptions } from '../../../triggers/nats/index.ts';
import { hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { ConformanceTopic } from '../../conformance/harness.ts';
import { Rig } from '../../conformance/rig.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { createAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { createNkey, createOperator } from '../../support/nats-jwt.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { commandLine } from '../cli/command-line.ts';

let folder: TempDir;
let nats: Nats | undefined;
const at = (name: string) => join(folder.path, name);
const read = (name: string) => readFileSync(at(name), 'utf8');

beforeEach(async () => {
  folder = await tempDir('nats-security');
});
afterEach(async () => {
  await nats?.stop();
  nats = undefined;
  await folder.remove();
});

const bytes = (text: string) => new TextEncoder().encode(text);

async function serve(config: string): Promise<Nats> {
  await writeFile(at('server.conf'), config);
  nats = await startNats({ args: ['-c', at('server.conf')] });
  return nats;
}

interface Scene extends AsyncDisposable {
  readonly rig: Rig;
  readonly topic: ConformanceTopic;
  readonly statuses: readonly { readonly type: string; readonly message: string }[];
  /** Publishes ten more and waits for them. */
  ten(): Promise<void>;
}

/** A trigger that reads with a login, and somebody who publishes with another, and stays connected. */
async function scene(options: NatsConnectionOptions, publisher: ConnectionOptions): Promise<Scene> {
  const client: NatsConnection = await connect({
    ...publisher,
    servers: [...options.servers],
    reconnectTimeWait: 100,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
  });
  const rig = await Rig.start({
    createTopic: () => coreTopic(client),
    connect: () => connectionTo(options),
    connectNowhere: () => connectionTo(options),
    stop: () => client.close(),
  });
  const topic = await rig.topic();
  const reading = await rig.member().open(topic);
  let published = 0;
  return {
    rig,
    topic,
    statuses: reading.statuses,
    async ten() {
      // What is published while a connection is lost may be lost with it.
      await eventually('the publisher is connected', () =>
        client.flush().then(
          () => true,
          () => false,
        ),
      );
      await topic.publish(numbered(10, published));
      published += 10;
      await hasAll(rig.recorder, published);
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await client.close();
    },
  };
}

const hostOf = (server: Nats) => server.url.replace('nats://', '');

async function reconnected({ statuses }: Scene, lost: number): Promise<void> {
  await eventually('it is connected again', () => {
    const disconnected = statuses.filter(({ type }) => type === 'disconnected').length;
    return disconnected >= lost && statuses.at(-1)?.type === 'connected';
  });
}

const publish = ['trigger', 'nats', 'publish', '--message', 'by hand', '--topic'];

describe('TLS', () => {
  const tlsConfig = `tls { cert_file: "cert", key_file: "key", ca_file: "ca", verify: true }`;
  const paths = (config: string) => config.replace(/"(\w+)"/g, (_, name: string) => `"${at(name)}"`);

  test('with client certificates; all files are replaced while it runs; publish by hand as well', async () => {
    const [first, second] = [await createAuthority(folder.path, 'one'), await createAuthority(folder.path, 'two')];
    const install = async (authority: typeof first) => {
      const [server, client] = [await authority.issue('server'), await authority.issue('client')];
      await Promise.all([
        copyFile(authority.cert, at('ca')),
        copyFile(server.cert, at('cert')),
        copyFile(server.key, at('key')),
        copyFile(client.cert, at('client-cert')),
        copyFile(client.key, at('client-key')),
      ]);
    };
    await install(first);
    const server = await serve(paths(tlsConfig));
    const tls = { caFile: at('ca'), certFile: at('client-cert'), keyFile: at('client-key') };
    await using reading = await scene({ servers: [hostOf(server)], tls }, { tls });
    await reading.ten();
    await install(second);
    await server.restart();
    await reconnected(reading, 1);
    await reading.ten();

    const env = { NATS_CACERTS: at('ca'), NATS_CERT: at('client-cert'), NATS_KEY: at('client-key') };
    const subject = reading.topic.pattern.replace('*', 'key');
    const by = (more: Readonly<Record<string, string>>) =>
      commandLine([...publish, subject, '--url', `tls://${hostOf(server)}`], more);
    expect(await by(env)).toMatchObject({ code: 0, stderr: expect.stringContaining(`Published [${subject}]`) });
    await reading.rig.recorder.waitFor('it comes', ({ records }) => records.some(({ body }) => body === 'by hand'));
    const withoutCa = await by({});
    expect(withoutCa.code).toBe(1);
    expect(withoutCa.stderr).toMatch(/Failed to publish message to topic: .*certificate/);
  });
});

describe('a .creds file of operator mode', () => {
  test('is read again when the user was revoked; publish by hand takes NATS_CREDS', async () => {
    const operator = createOperator();
    const [old, next, publisher] = [operator.user('old'), operator.user('next'), operator.user('publisher')];
    await writeFile(at('creds'), old.creds);
    const server = await serve(operator.config());
    const login = { type: 'creds', creds: () => read('creds') } as const;
    await using reading = await scene(
      { servers: [hostOf(server)], login },
      { authenticator: credsAuthenticator(bytes(publisher.creds)) },
    );
    await reading.ten();
    await writeFile(at('server.conf'), operator.config([old]));
    await server.restart();
    await eventually('the old user is refused', () =>
      reading.statuses.some(({ message }) => message.includes('AUTHORIZATION_VIOLATION')),
    );
    await writeFile(at('creds'), next.creds);
    await reconnected(reading, 1);
    await reading.ten();

    const by = (env: Readonly<Record<string, string>>) =>
      commandLine([...publish, 'any.subject', '--url', server.url], env);
    expect(await by({ NATS_CREDS: at('creds') })).toMatchObject({ code: 0 });
    const refused = await by({});
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('the server refused the login') });
  });
});

describe('an nkey file', () => {
  test('is read again when the server takes another key; publish by hand takes NATS_NKEY', async () => {
    const [old, next, publisher] = [createNkey(), createNkey(), createNkey()];
    const config = (...keys: { readonly publicKey: string }[]) =>
      `authorization { users: [ ${keys.map(({ publicKey }) => `{ nkey: ${publicKey} }`).join(', ')} ] }`;
    await writeFile(at('seed'), old.seed);
    const server = await serve(config(old, publisher));
    await using reading = await scene(
      { servers: [hostOf(server)], login: { type: 'nkey', seed: () => read('seed') } },
      { authenticator: nkeyAuthenticator(bytes(publisher.seed)) },
    );
    await reading.ten();
    await writeFile(at('seed'), next.seed);
    await writeFile(at('server.conf'), config(next, publisher));
    // It cuts users that it does not know any more.
    await server.kill('SIGHUP');
    await reconnected(reading, 1);
    await reading.ten();
    const by = (env: Readonly<Record<string, string>>) =>
      commandLine([...publish, 'any.subject', '--url', server.url], env);
    expect(await by({ NATS_NKEY: at('seed') })).toMatchObject({ code: 0 });
    const both = await by({ NATS_NKEY: at('seed'), NATS_CREDS: at('seed') });
    expect(both.stderr).toContain('NATS_CREDS and NATS_NKEY are set, and each is a login; keep one of them.');
  });

  test('a login that is refused is one message, and no tight loop', async () => {
    const [known, stranger] = [createNkey(), createNkey()];
    const server = await serve(`authorization { users: [ { nkey: ${known.publicKey} } ] }`);
    const connection = connectionTo({ servers: [hostOf(server)], login: { type: 'nkey', seed: () => stranger.seed } });
    const rig = await Rig.start({
      createTopic: async () => ({ pattern: 'a', publish: async () => {}, delete: async () => {} }),
      connect: () => connection,
      connectNowhere: () => connection,
      stop: async () => {},
    });
    await expect(rig.member().open(await rig.topic())).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: 'NATS cannot be reached: the server refused the login',
    });
    await rig[Symbol.asyncDispose]();
  });
});
