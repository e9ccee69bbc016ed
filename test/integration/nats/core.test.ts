import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, headers as natsHeaders, nkeys } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionTo, coreBroker } from '../../../triggers/nats/harness.ts';
import type { NatsConnectionOptions } from '../../../triggers/nats/index.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { Broker } from '../../conformance/harness.ts';
import { Rig } from '../../conformance/rig.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/port.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { tempDir } from '../../support/temp.ts';

let nats: Nats;
let broker: Broker;

beforeAll(async () => {
  nats = await startNats();
  broker = await coreBroker(nats.url);
});
afterAll(async () => {
  await broker.stop();
  await nats.stop();
});

test('a lost connection shows, heals by itself, and leaves a gap with from, to and cause', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const before = Date.now();
  const reading = await member.open(topic);
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  await nats.restart();
  await eventually('it is connected again', () => reading.statuses.length === 3);
  expect(reading.statuses.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected']);
  const [gap, ...more] = member.gaps();
  expect(more).toEqual([]);
  expect(gap?.cause).toBe('the connection to NATS was lost');
  expect(gap?.from).toBeGreaterThanOrEqual(before);
  expect(gap?.to).toBeGreaterThanOrEqual(gap?.from ?? 0);
  await topic.publish(numbered(20, 20));
  await hasAll(rig.recorder, 40);
  expectEachOnce(rig.recorder, ['f'], 40);
});

test('a half-open connection is noticed, and its silence belongs to the gap', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const member = rig.member(connectionTo({ servers: proxy.address }));
  const reading = await member.open(topic);
  const swallowedAt = Date.now();
  proxy.swallow();
  await eventually('it is noticed', () => reading.statuses.at(-1)?.type === 'disconnected', { within: 45_000 });
  proxy.heal();
  await eventually('it is connected again', () => reading.statuses.at(-1)?.type === 'connected');
  const [gap] = member.gaps();
  expect(gap?.cause).toContain('half-open');
  expect(gap?.from).toBeLessThanOrEqual(swallowedAt);
  await topic.publish(numbered(5));
  await hasAll(rig.recorder, 5);
});

test('a subscription that is closed and opened anew in one process has a gap between; one that joins has none', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const first = await member.open(topic);
  const closedAt = Date.now();
  await first.close();
  await topic.publish(numbered(5));
  const second = await member.open(topic);
  expect(member.gaps()).toMatchObject([{ cause: 'the subscription was closed and opened anew' }]);
  expect(member.gaps()[0]?.from).toBeGreaterThanOrEqual(closedAt);
  expect(member.gaps()[0]?.to).toBeLessThanOrEqual(Date.now());
  await second.close();
  await (await member.open(topic, { isJoining: true })).close();
  expect(member.gaps()).toHaveLength(1);
});

test('what finds no room is dropped as overflow, to the event', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  rig.recorder.behave('f', { type: 'hang' });
  await member.open(topic, { delivery: { concurrency: 2, room: 5, order: 'none', timeout: '1s' } });
  await topic.publish(numbered(50));
  await rig.until('all are read', () => member.row().read === 50);
  const { claimed, droppedBeforeClaim } = member.row();
  expect(droppedBeforeClaim).toEqual({ overflow: 50 - claimed });
  expect(claimed).toBeGreaterThanOrEqual(5);
  expect(claimed).toBeLessThanOrEqual(7);
});

test('closing drains until the deadline, and what is out then is accounted', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  rig.recorder.behave('f', { type: 'hang' });
  const reading = await member.open(topic, { delivery: { concurrency: 2, order: 'none' } });
  await topic.publish(numbered(5));
  await hasAll(rig.recorder, 2);
  await rig.until('all are read', () => member.row().read === 5);
  await reading.abandon();
  expect(member.row()).toMatchObject({ read: 5, claimed: 5, unknown: { aborted: 2 }, dropped: { shutdown: 3 } });
});

test('the subject is topic and CloudEvents subject; a CloudEvent keeps its own attributes', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await rig.member().open(topic);
  await topic.publish([{ key: 'plain', data: '{}' }]);
  await hasAll(rig.recorder, 1);
  const subject = topic.pattern.replace('*', 'plain');
  expect(rig.recorder.records[0]?.headers).toMatchObject({
    'event-topic': subject,
    'ce-subject': subject,
    'ce-source': `nats://${subject}`,
    'event-namespace': 'natstriggers.kubeless.io',
  });

  const client = await connect({ servers: nats.url });
  const headers = natsHeaders();
  const attributes = { specversion: '1.0', id: 'o-1', source: '/shop', type: 'order.made', subject: 'order 1' };
  for (const [name, value] of Object.entries(attributes)) headers.set(`ce-${name}`, value);
  headers.set('Content-Type', 'text/plain');
  headers.set('Shop', 'berlin');
  headers.set('Nats-Request-Info', 'forged');
  client.publish(topic.pattern.replace('*', 'event'), 'hello', { headers });
  await client.drain();
  await hasAll(rig.recorder, 2);
  expect(rig.recorder.records[1]).toMatchObject({
    body: 'hello',
    headers: {
      'ce-id': 'o-1',
      'ce-source': '/shop',
      'ce-type': 'order.made',
      'ce-subject': 'order 1',
      'content-type': 'text/plain',
      'event-header-shop': 'berlin',
    },
  });
  expect(JSON.stringify(rig.recorder.records[1]?.headers)).not.toContain('forged');
});

test('of several servers one is enough', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const servers = [`127.0.0.1:${await freePort()}`, new URL(nats.url).host];
  await rig.member(connectionTo({ servers })).open(topic);
  await topic.publish(numbered(5));
  await hasAll(rig.recorder, 5);
});

/** Opens and closes a subscription on a server of its own. */
async function opens(server: Nats, options: Omit<NatsConnectionOptions, 'servers'>): Promise<string> {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member(connectionTo({ servers: new URL(server.url).host, ...options }));
  return await member.open(topic).then(
    () => 'open',
    (error: Error) => error.message,
  );
}

test('user and password, and what is said when they are wrong', async () => {
  const server = await startNats({ args: ['--user', 'u', '--pass', 'right'] });
  try {
    const login = (password: string) => ({ login: { type: 'password', user: 'u', password: () => password } }) as const;
    expect(await opens(server, login('right'))).toBe('open');
    expect(await opens(server, login('wrong'))).toBe('NATS cannot be reached: the server refused the login');
    expect(await opens(server, {})).toBe('NATS cannot be reached: the server refused the login');
  } finally {
    await server.stop();
  }
});

test('a password that changes is taken up without a restart of ours', async () => {
  await using folder = await tempDir('nats-login');
  const config = join(folder.path, 'server.conf');
  const write = (password: string) => writeFile(config, `authorization { user: u, password: "${password}" }`);
  await write('first');
  const server = await startNats({ args: ['-c', config] });
  try {
    await using rig = await Rig.start(broker);
    const topic = await rig.topic();
    let password = 'first';
    const login = { type: 'password', user: 'u', password: () => password } as const;
    const reading = await rig.member(connectionTo({ servers: new URL(server.url).host, login })).open(topic);
    await write('second');
    await server.restart();
    await eventually('the login is refused', () =>
      reading.statuses.some((status) => status.type === 'disconnected' && /authorization/i.test(status.message)),
    );
    password = 'second';
    await eventually('it is connected again', () => reading.statuses.at(-1)?.type === 'connected');
    expect(reading.failures).toEqual([]);
  } finally {
    await server.stop();
  }
});

test('an nkey', async () => {
  await using folder = await tempDir('nats-login');
  const pair = nkeys.createUser();
  const seed = new TextDecoder().decode(pair.getSeed());
  const config = join(folder.path, 'server.conf');
  await writeFile(config, `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`);
  const server = await startNats({ args: ['-c', config] });
  try {
    expect(await opens(server, { login: { type: 'nkey', seed: () => seed } })).toBe('open');
  } finally {
    await server.stop();
  }
});

test('TLS with a certificate authority of our own', async () => {
  await using folder = await tempDir('nats-tls');
  const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await promisify(execFile)('openssl', [...request, '-keyout', key, '-out', cert, ...subject]);
  const server = await startNats({ args: ['--tls', '--tlscert', cert, '--tlskey', key] });
  try {
    expect(await opens(server, { tls: { caFile: cert } })).toBe('open');
    expect(await opens(server, { tls: {} })).toMatch(/^NATS cannot be reached: .*certificate/);
  } finally {
    await server.stop();
  }
});
