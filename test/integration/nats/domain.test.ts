import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionTo, streamTopic, withJetStream } from '../../../triggers/nats/harness.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import { Rig } from '../../conformance/rig.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/port.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/*
 * A hub and a leaf node, each with a JetStream domain of its own, and an account that imports the API of another. The gateway
 * speaks to the hub alone.
 */

let folder: TempDir;
let hub: Nats;
let leaf: Nats;
let onLeaf: NatsConnection;
let onHub: NatsConnection;
let owner: NatsConnection;

beforeAll(async () => {
  folder = await tempDir('nats-domain');
  const port = await freePort();
  const serve = async (name: string, config: string) => {
    const path = join(folder.path, `${name}.conf`);
    const store = join(folder.path, name);
    await writeFile(path, `server_name: ${name}\njetstream { domain: ${name}, store_dir: "${store}" }\n${config}`);
    return startNats({ args: ['-c', path] });
  };
  hub = await serve(
    'hub',
    `leafnodes { listen: "127.0.0.1:${port}" }
     accounts {
       MAIN: { jetstream: enabled, users: [ { user: main, password: p } ] }
       OWNER: {
         jetstream: enabled
         users: [ { user: owner, password: p } ]
         exports: [
           { service: "$JS.API.>", response_type: stream }
           { service: "$JS.ACK.>" }
           { service: "trigate.>" }
         ]
       }
       GUEST: {
         users: [ { user: guest, password: p } ]
         imports: [
           { service: { account: OWNER, subject: "$JS.API.>" }, to: "JS.owner.>" }
           { service: { account: OWNER, subject: "$JS.ACK.>" } }
           { service: { account: OWNER, subject: "trigate.>" } }
         ]
       }
     }
     no_auth_user: main`,
  );
  leaf = await serve('leaf', `leafnodes { remotes: [ { url: "nats-leaf://main:p@127.0.0.1:${port}" } ] }`);
  onHub = await connect({ servers: hub.url, user: 'main', pass: 'p' });
  onLeaf = await connect({ servers: leaf.url });
  owner = await connect({ servers: hub.url, user: 'owner', pass: 'p' });
  await eventually('the leaf node is connected', async () => {
    await onHub.jetstreamManager({ domain: 'leaf' });
    return true;
  });
});
afterAll(async () => {
  await Promise.all([onLeaf.close(), onHub.close(), owner.close()]);
  await leaf.stop();
  await hub.stop();
  await folder.remove();
});

const rigOn = (publisher: NatsConnection, user: string, jetstream: object) => {
  const login = { type: 'password', user, password: () => 'p' } as const;
  const connection = () => connectionTo({ servers: hub.url, login }, (kind) => withJetStream(kind, jetstream));
  return Rig.start({
    createTopic: () => streamTopic(publisher, 1),
    connect: connection,
    connectNowhere: connection,
    stop: async () => {},
  });
};

test('a stream in the domain of a leaf node is read, and taken over, with its records there', async () => {
  await using rig = await rigOn(onLeaf, 'main', { domain: 'leaf' });
  const topic = await rig.topic();
  const first = await rig.member().open(topic);
  await topic.publish(numbered(30));
  await hasAll(rig.recorder, 30);
  await first.close();
  await topic.publish(numbered(30, 30));
  const member = rig.member();
  await member.open(topic);
  await hasAll(rig.recorder, 60);
  expectEachOnce(rig.recorder, ['f'], 60);
  await rig.until('all are counted', () => member.row().delivered === 60);
  const streams = await (await onLeaf.jetstreamManager()).streams.info('TRIGATE_LEDGER');
  expect(streams.config.subjects).toEqual(['trigate.ledger-leaf.>']);
});

test('two domains on one connection keep their records apart', async () => {
  await using here = await rigOn(onHub, 'main', {});
  await using there = await rigOn(onLeaf, 'main', { domain: 'leaf' });
  for (const rig of [here, there]) {
    const topic = await rig.topic();
    const member = rig.member();
    await member.open(topic);
    await topic.publish(numbered(20));
    await hasAll(rig.recorder, 20);
    await rig.until('all are counted', () => member.row().delivered === 20);
  }
});

test('a domain that is not there is said', async () => {
  await using rig = await rigOn(onHub, 'main', { domain: 'mars' });
  const topic = await rig.topic();
  await expect(rig.member().open(topic)).rejects.toMatchObject({
    code: 'BROKER_UNREACHABLE',
    message: expect.stringContaining('in the domain mars'),
  });
});

test('the API of another account, imported under a prefix', async () => {
  await using rig = await rigOn(owner, 'guest', { apiPrefix: 'JS.owner' });
  const topic = await rig.topic();
  const member = rig.member();
  await member.open(topic);
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  expectEachOnce(rig.recorder, ['f'], 20);
  await rig.until('all are counted', () => member.row().delivered === 20);
});
