import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { adminApi } from '../../../src/admin/plugin.ts';
import { createServer } from '../../../src/admin/server.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { functionResource } from '../../../src/domain/function.ts';
import type { ResourceType } from '../../../src/domain/resource.ts';
import { specIssues } from '../../../src/domain/schema.ts';
import { embeddedApi } from '../../../src/standalone/api/embedded-api.ts';
import { createObjectStore } from '../../../src/standalone/api/object-store.ts';
import { Feed } from '../../../src/telemetry/feed.ts';
import { kafkaTriggerSpec, kafkaTriggerType } from '../../../triggers/kafka/spec.ts';
import { natsTriggerSpec, natsTriggerType } from '../../../triggers/nats/spec.ts';
import { tempDir } from '../../support/temp.ts';
import { openLogIn, silent } from '../../support/topic-log.ts';
import { commandLine } from './command-line.ts';

const served = (type: ResourceType, spec: Parameters<typeof specIssues>[0]) => ({
  ...type,
  validate: (object: Parameters<typeof specIssues>[1]) => specIssues(spec, object),
  columns: [],
});

/** The resource API and the topic log of a standalone gateway, behind a token. */
async function embeddedGateway() {
  const folder = await tempDir('cli');
  const log = openLogIn(folder.path);
  const db = new DatabaseSync(':memory:');
  const app = createServer({ log: silent, guard: { token: 'hunter2' } });
  await app.register(adminApi, {
    clock: systemClock,
    feed: new Feed({ clock: systemClock }),
    metrics: { contentType: 'text/plain', scrape: async () => '' },
    ledger: () => ({ balanced: true, triggers: [] }),
    readiness: () => ({ ready: true, checks: [] }),
    topics: [log],
  });
  const types = [
    functionResource,
    served(kafkaTriggerType, kafkaTriggerSpec),
    served(natsTriggerType, natsTriggerSpec),
  ];
  await app.register(embeddedApi({ store: createObjectStore(db), types }));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const env = { TRIGATE_GATEWAY: url, TRIGATE_TOKEN: 'hunter2' };
  return {
    url,
    /** A command line without quotes, against this gateway. */
    run: (words: string) => commandLine(words.split(' '), env),
    async [Symbol.asyncDispose]() {
      await app.close();
      await log.close();
      db.close();
      await folder.remove();
    },
  };
}

describe('against the embedded gateway', () => {
  it.each([
    { noun: 'kafka', title: 'Kafka' },
    { noun: 'nats', title: 'NATS' },
  ])('a $title trigger is created, changed, listed and deleted', async ({ noun, title }) => {
    await using gateway = await embeddedGateway();
    const { run } = gateway;
    const create = `trigger ${noun} create pay --trigger-topic orders --function-selector app=pay,!old`;
    expect(await run(create)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('created in namespace default'),
    });
    expect((await run(create)).stderr).toContain(
      `FATA[0000] Failed to create ${title} trigger object pay in namespace default. Error: `,
    );
    expect(await run(`trigger ${noun} update pay --trigger-topic bills`)).toMatchObject({ code: 0 });
    expect((await run(`trigger ${noun} ls`)).stdout).toBe(
      'NAME   NAMESPACE   TOPIC   FUNCTION SELECTOR\npay    default     bills   app=pay,!old\n',
    );
    expect(await run(`trigger ${noun} delete pay`)).toMatchObject({ code: 0 });
    expect((await run(`trigger ${noun} list`)).stderr).toContain(`No ${title} triggers found in namespace default.`);
  });

  it('a topic is created, published to, listed and deleted', async () => {
    await using gateway = await embeddedGateway();
    const { run } = gateway;
    expect(await run('topic create orders')).toMatchObject({ code: 0 });
    expect(await run('topic publish --topic orders --data {} --key k --header a=b')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Published to topic orders, partition 0, offset \d+\.\n$/),
    });
    expect(await run('topic list')).toMatchObject({ code: 0, stdout: 'orders\n' });
    expect(await run('topic delete orders')).toMatchObject({ code: 0 });
    expect((await run('topic delete orders')).code).toBe(1);
    expect((await run('events')).stderr).toBe('INFO[0000] No events found.\n');
    expect((await run('ledger')).stderr).toBe('INFO[0000] No counts found.\nINFO[0000] The ledger balances.\n');
  });

  it.each(['topic list'])('%s without the token says how to give it', async (words) => {
    await using gateway = await embeddedGateway();
    const { code, stderr } = await commandLine(words.split(' '), { TRIGATE_GATEWAY: gateway.url });
    expect(code).toBe(1);
    expect(stderr).toContain('Set TRIGATE_TOKEN or give --token-file.');
  });
});
