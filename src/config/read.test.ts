import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Environment, Flags } from './index.ts';
import { readConfig } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'trigate-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const kafka = { KAFKA_BROKERS: 'k1:9092, k2:9093' };
const sasl = { ...kafka, KAFKA_ENABLE_SASL: 'true' };

describe('readConfig', () => {
  it('has defaults for everything, and no broker', () => {
    expect(readConfig({})).toMatchObject({
      port: 8080,
      portGiven: false,
      host: '127.0.0.1',
      dataDir: join(process.cwd(), '.trigate'),
      manifests: [],
      logLevel: 'info',
      caller: 'http1',
      token: undefined,
      limits: { maxEventBytes: 1_048_576 },
      shutdownDeadline: 25_000,
      shutdownDelay: 0,
      stallAfter: 60_000,
      kafka: undefined,
      nats: undefined,
      kubeless: { namespace: 'kubeless', config: 'kubeless-config' },
    });
  });

  it('lets a flag win over the environment, and the environment over the default', () => {
    const env = { TRIGATE_PORT: '9000', TRIGATE_DATA_DIR: '/data' };
    expect(readConfig(env)).toMatchObject({ port: 9000, portGiven: true, dataDir: '/data' });
    expect(readConfig(env, { port: '9001', manifests: ['a', 'b'] })).toMatchObject({
      port: 9001,
      manifests: ['a', 'b'],
    });
  });

  it('treats an empty variable as one that is not set', () => {
    expect(readConfig({ TRIGATE_PORT: '', KAFKA_BROKERS: '' })).toMatchObject({ port: 8080, kafka: undefined });
  });

  it('is frozen all the way down', () => {
    const config = readConfig(kafka);
    expect(Object.isFrozen(config.limits) && Object.isFrozen(config.kafka?.brokers)).toBe(true);
  });

  it.each([
    ['TRIGATE_LOG_LEVEL', 'WARN', 'warn'],
    ['KUBELESS_LOG_LEVEL', 'DEBUG', 'debug'],
    ['KUBELESS_LOG_LEVEL', 'warning', 'warn'],
  ])('reads %s=%s as %s', (name, value, level) => {
    expect(readConfig({ [name]: value }).logLevel).toBe(level);
  });

  it('listens beyond loopback only with a token', () => {
    expect(() => readConfig({}, { host: '0.0.0.0' })).toThrow(/--host is "0.0.0.0".*TRIGATE_TOKEN or --token-file/);
    expect(readConfig({ TRIGATE_TOKEN: 'x' }, { host: '0.0.0.0' }).host).toBe('0.0.0.0');
    for (const host of ['localhost', '::1', '127.0.0.9']) expect(readConfig({}, { host }).host).toBe(host);
    expect(() => readConfig({}, { host: '127.0.0.1.example.com' })).toThrow(/others can reach/);
  });

  it('takes the token from a file, which wins over the variable', () => {
    const config = readConfig({ TRIGATE_TOKEN: 'old' }, { tokenFile: file('token', 'new\n') });
    expect(config.token?.reveal()).toBe('new');
  });
});

describe('Kafka', () => {
  it('reads several brokers', () => {
    expect(readConfig(kafka).kafka).toEqual({
      brokers: ['k1:9092', 'k2:9093'],
      tls: undefined,
      sasl: undefined,
      sessionTimeout: 30_000,
    });
  });

  it('reads certificates and key from their files', () => {
    const env = {
      ...kafka,
      KAFKA_ENABLE_TLS: 'T',
      KAFKA_INSECURE: '1',
      KAFKA_CACERTS: file('ca.pem', 'CA'),
      KAFKA_CERT: file('cert.pem', 'CERT'),
      KAFKA_KEY: file('key.pem', 'KEY'),
    };
    const tls = readConfig(env).kafka?.tls;
    expect(tls?.insecure).toBe(true);
    expect(tls?.read()).toMatchObject({ ca: 'CA', client: { cert: 'CERT' } });
    expect(tls?.read().client?.key.reveal()).toBe('KEY');
  });

  it('reads the files again each time, and keeps what they had while one of them is gone', () => {
    const [ca, password] = [file('ca.pem', 'old CA'), file('password', 'old')];
    const secured = { KAFKA_ENABLE_TLS: 'true', KAFKA_CACERTS: ca, KAFKA_USERNAME: 'u', KAFKA_PASSWORD_FILE: password };
    const config = readConfig({ ...sasl, ...secured }).kafka;
    const seen = () => [config?.tls?.read().ca, config?.sasl?.password().reveal()];
    writeFileSync(ca, 'new CA');
    writeFileSync(password, 'new\n');
    expect(seen()).toEqual(['new CA', 'new']);
    rmSync(ca);
    rmSync(password);
    expect(seen()).toEqual(['new CA', 'new']);
  });

  it('reads SASL with a mechanism, and the password from a file', () => {
    const config = readConfig({
      ...sasl,
      KAFKA_USERNAME: 'u',
      KAFKA_PASSWORD_FILE: file('password', 'p\n'),
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    });
    expect(config.kafka?.sasl).toMatchObject({ mechanism: 'scram-sha-512', username: 'u' });
    expect(config.kafka?.sasl?.password().reveal()).toBe('p');
  });
});

describe('NATS', () => {
  it('reads several servers and takes the credentials out of the URL', () => {
    const nats = readConfig({ NATS_URL: 'nats://u:p%40ss@a:4333,tls://u:p%40ss@b' }).nats;
    expect(nats).toMatchObject({
      servers: ['a:4333', 'b:4222'],
      tls: { client: undefined },
      login: { type: 'password', user: 'u' },
    });
    expect(nats?.login.type === 'password' && nats.login.password.reveal()).toBe('p@ss');
  });

  it.each([
    ['a host alone', 'demo', 'none'],
    ['a token', 'nats://secret@demo', 'token'],
  ])('reads %s', (_, url, type) => {
    expect(readConfig({ NATS_URL: url }).nats).toMatchObject({ servers: ['demo:4222'], login: { type } });
  });

  it.each([
    ['NATS_CREDS', 'creds'],
    ['NATS_NKEY', 'nkey'],
  ])('reads the file of %s again each time, and keeps its last secret while it cannot', (variable, type) => {
    const path = file(`n.${type}`, 'first\n');
    const login = readConfig({ NATS_URL: 'nats://a', [variable]: path }).nats?.login;
    if (login?.type !== 'creds' && login?.type !== 'nkey') throw new Error(`the login is ${login?.type}`);
    expect([login.type, login.read().reveal()]).toEqual([type, 'first']);
    writeFileSync(path, 'second');
    expect(login.read().reveal()).toBe('second');
    writeFileSync(path, '');
    expect(login.read().reveal()).toBe('second');
  });

  it('names the files of TLS, which needs no tls:// then', () => {
    const [ca, cert, key] = [file('ca.pem', 'CA'), file('c.pem', 'C'), file('k.pem', 'K')];
    const env = { NATS_URL: 'nats://a', NATS_CACERTS: ca, NATS_CERT: cert, NATS_KEY: key };
    expect(readConfig(env).nats?.tls).toEqual({ caFile: ca, client: { certFile: cert, keyFile: key } });
    expect(readConfig({ NATS_URL: 'nats://a' }).nats?.tls).toBeUndefined();
  });
});

describe('what is wrong is said in one sentence', () => {
  const cases: [Environment, Flags, string][] = [
    [{ TRIGATE_PORT: '99999' }, {}, 'TRIGATE_PORT must be a whole number from 0 to 65535, found "99999".'],
    [{}, { port: 'http' }, '--port must be a whole number from 0 to 65535, found "http".'],
    [{ KUBELESS_LOG_LEVEL: 'loud' }, {}, 'KUBELESS_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal'],
    [{ TRIGATE_SHUTDOWN_DEADLINE: 'soon' }, {}, 'TRIGATE_SHUTDOWN_DEADLINE must be a duration of at most 3600s'],
    [{ KAFKA_BROKERS: 'k1' }, {}, 'KAFKA_BROKERS must be a comma list of host:port, found "k1".'],
    [
      { ...kafka, KAFKA_ENABLE_TLS: 'yes' },
      {},
      'KAFKA_ENABLE_TLS must be true or false (also 1, 0, t, f), found "yes".',
    ],
    [
      { ...kafka, KAFKA_ENABLE_TLS: 'true', KAFKA_CERT: '/c' },
      {},
      'client private key is mandatory when certificate file is provided: KAFKA_KEY is not set',
    ],
    [
      { ...kafka, KAFKA_ENABLE_TLS: 'true', KAFKA_KEY: '/k' },
      {},
      'client certificate is mandatory when private key file is provided: KAFKA_CERT is not set',
    ],
    [
      { ...kafka, KAFKA_ENABLE_TLS: 'true', KAFKA_CACERTS: '/no/ca' },
      {},
      'KAFKA_CACERTS must name a file that can be read, found "/no/ca" (ENOENT).',
    ],
    [{ ...sasl, KAFKA_USERNAME: 'u' }, {}, 'username and password is mandatory: KAFKA_PASSWORD'],
    [{ ...sasl, KAFKA_PASSWORD: 'p' }, {}, 'username and password is mandatory: KAFKA_USERNAME'],
    [
      { ...kafka, TRIGATE_KAFKA_SESSION_TIMEOUT: '10ms' },
      {},
      'TRIGATE_KAFKA_SESSION_TIMEOUT must be a duration of at least 3s and at most 1800s, such as 500ms, 25s or 1m, found "10ms".',
    ],
    [
      { ...kafka, KAFKA_SASL_MECHANISM: 'gssapi' },
      {},
      'must be plain, scram-sha-256 or scram-sha-512, found "gssapi".',
    ],
    [{ NATS_URL: 'http://a' }, {}, 'NATS_URL must be a comma list of nats://'],
    [{ NATS_URL: 'nats://a:1@b,nats://c:2@d' }, {}, 'with one login for all'],
    [{ NATS_URL: 'nats://a', NATS_CERT: '/c' }, {}, 'NATS_CERT and NATS_KEY belong together'],
    [{ NATS_URL: 'nats://a', NATS_CACERTS: '/no/ca' }, {}, 'NATS_CACERTS must name a file that can be read'],
    [{ NATS_URL: 'nats://a', NATS_CREDS: '/c', NATS_NKEY: '/n' }, {}, 'NATS_CREDS and NATS_NKEY are set'],
    [{ TRIGATE_TOKEN_FILE: '/no/token' }, {}, 'TRIGATE_TOKEN_FILE must name a file that can be read'],
  ];
  it.each(cases)('%j %j', (env, flags, sentence) => {
    expect(() => readConfig(env, flags)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(() => readConfig(env, flags)).toThrow(sentence);
  });
});

describe('secrets', () => {
  it.each<Environment>([
    { TRIGATE_TOKEN: 'hunter2 hunter2' },
    { NATS_URL: 'nats://hunter2:hunter2@a b' },
    { NATS_URL: 'nats://u:hunter2%@a' },
    { NATS_URL: 'nats://u:hunter2@a', NATS_CREDS: '/no' },
    { ...sasl, KAFKA_PASSWORD: 'hunter2', KAFKA_PASSWORD_FILE: '/no' },
  ])('never stand in an error: %j', (env) => {
    expect(() => readConfig(env)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
  });

  it('never stand in what is logged', () => {
    const config = readConfig({
      ...sasl,
      KAFKA_USERNAME: 'u',
      KAFKA_PASSWORD: 'hunter2',
      TRIGATE_TOKEN: 'hunter2',
      NATS_URL: 'nats://u:hunter2@a',
    });
    const views = [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true }), `${config.token}`];
    expect(views.join()).not.toContain('hunter2');
    expect(JSON.parse(JSON.stringify(config)).token).toBe('[redacted]');
  });
});
