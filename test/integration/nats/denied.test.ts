import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, test } from 'vitest';
import { connectionTo, streamTopic, withJetStream } from '../../../triggers/nats/harness.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import { Rig } from '../../conformance/rig.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/* Accounts that may not have the stream of the records: by a limit of the account, or by permissions of the user. */

const accounts = {
  full: 'a limit of one stream',
  forbidden: 'no right to make streams',
  blind: 'no right to see or make it',
} as const;

let folder: TempDir;
let nats: Nats;
const clients: NatsConnection[] = [];

const user = (name: string, deny: readonly string[]) =>
  `{ user: ${name}, password: p, permissions: { publish: { allow: ">", deny: [${deny.map((each) => `"${each}"`).join(', ')}] } } }`;

beforeAll(async () => {
  folder = await tempDir('nats-denied');
  const path = join(folder.path, 'server.conf');
  const ledger = (verb: string) => `$JS.API.STREAM.${verb}.TRIGATE_LEDGER`;
  await writeFile(
    path,
    `jetstream { store_dir: "${join(folder.path, 'store')}" }
     accounts {
       FULL: { jetstream: { max_streams: 1 }, users: [ { user: full, password: p } ] }
       OPEN: { jetstream: enabled, users: [
         { user: admin, password: p }
         ${user('forbidden', [ledger('CREATE')])}
         ${user('blind', [ledger('CREATE'), ledger('INFO')])}
       ] }
     }`,
  );
  nats = await startNats({ args: ['-c', path] });
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await nats.stop();
  await folder.remove();
});

test.each(Object.entries(accounts))('%s (%s): it works, with the counts of this process', async (name) => {
  const client = await connect({ servers: nats.url, user: name === 'full' ? 'full' : 'admin', pass: 'p' });
  clients.push(client);
  const login = { type: 'password', user: name, password: () => 'p' } as const;
  const connection = () => connectionTo({ servers: nats.url, login }, withJetStream);
  await using rig = await Rig.start({
    createTopic: () => streamTopic(client, 1),
    connect: connection,
    connectNowhere: connection,
    stop: async () => {},
  });
  const topic = await rig.topic();
  const first = rig.member();
  const reading = await first.open(topic);
  await topic.publish(numbered(30));
  await hasAll(rig.recorder, 30);
  await rig.until('all are counted', () => first.row().delivered === 30);
  await reading.close();
  await topic.publish(numbered(30, 30));
  const second = rig.member();
  await second.open(topic);
  await hasAll(rig.recorder, 60);
  expectEachOnce(rig.recorder, ['f'], 60);
  await rig.until('its own are counted', () => second.row().delivered === 30);
});
