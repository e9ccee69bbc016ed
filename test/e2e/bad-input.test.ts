import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { command, commandOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { functionAt, triggerFor } from '../support/manifests.ts';
import { startProcess } from '../support/process.ts';
import { startRecorder } from '../support/recorder.ts';
import { tempDir } from '../support/temp.ts';

const TRIGGERS = '/apis/kubeless.io/v1beta1/namespaces/default/kafkatriggers';
const BINARY = join(import.meta.dirname, '../../bin/trigate.js');

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

/** A request as it is, also where a client would refuse to make it. */
async function ask(method: string, path: string, body?: string | Buffer) {
  const response = await fetch(gateway.url + path, {
    method,
    headers: { 'content-type': 'application/json', connection: 'close' },
    ...(body !== undefined && { body }),
  });
  const answer = z
    .looseObject({ detail: z.string().optional(), message: z.string().optional() })
    .parse(await response.json());
  return { status: response.status, type: response.headers.get('content-type'), answer };
}

const trigger = (spec: object, name = 't') =>
  JSON.stringify({ apiVersion: 'kubeless.io/v1beta1', kind: 'KafkaTrigger', metadata: { name }, spec });

async function expectNothingMade(): Promise<void> {
  expect(await gateway.get(TRIGGERS)).toMatchObject({ items: [] });
  expect(await gateway.get('/v1/topics')).toMatchObject({ topics: [] });
}

describe('a wrong command line ends with code 1 and one sentence', () => {
  const trigger = 'trigger kafka create t --trigger-topic';
  test.each([
    ['serve --port abc', '--port must be a whole number from 0 to 65535, found "abc".'],
    ['serve --nope', "unknown option '--nope'"],
    ['serve --host 0.0.0.0', 'set TRIGATE_TOKEN or --token-file'],
    ['serve --shutdown-deadline soon', '--shutdown-deadline must be a duration'],
    ['topic create a*b', 'The topic must be 1 to 249 of the characters a-z A-Z 0-9 . _ -'],
    ['topic publish --topic a* --data x', 'The topic must be a topic name or a NATS subject'],
    ['topic publish --topic a', 'Give the event with --data or with --file'],
    [`${trigger} a*b --function-selector a=b`, '--trigger-topic must consist of letters, digits'],
    [`${trigger} a --function-selector a(`, 'The label selector "a(" is invalid'],
    ['trigger kafka create T_ --trigger-topic a --function-selector a=b', 'The Kafka trigger name must be'],
    [`${trigger} a`, 'function-selector'],
    ['nonsense', "unknown command 'nonsense'"],
  ])('trigate %s', async (words, sentence) => {
    const { code, stdout, stderr } = await commandOf(gateway, words.split(' '));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(stderr.replaceAll('\\"', '"')).toContain(sentence);
    await expectNothingMade();
  });

  test('a setting in the environment that makes no sense', async () => {
    const { code, stderr } = await command(['serve', '--port', '0'], { KAFKA_BROKERS: 'nonsense' });
    expect(code).toBe(1);
    expect(stderr).toContain('KAFKA_BROKERS must be a comma list of host:port, found');
  });
});

describe('a wrong request is a problem', () => {
  test.each([
    ['POST', '/v1/topics/a*b', 'x', 400, 'topic must have 1 to 249 characters'],
    ['POST', '/v1/topics/a?broker=rabbit', 'x', 400, 'broker must be one of log, kafka, nats, found "rabbit"'],
    ['PUT', '/v1/topics/a', '{"partitions":0}', 400, 'partitions must be a whole number from 1 to 10000, found 0.'],
    ['PUT', '/v1/topics/a', '{bad', 400, 'The body must be JSON'],
    ['GET', '/nope', undefined, 404, 'There is no GET /nope here.'],
  ])('%s %s %s', async (method, path, body, status, sentence) => {
    const problem = await ask(method, path, body);
    expect(problem).toMatchObject({ status, type: expect.stringContaining('application/problem+json') });
    expect(problem.answer.detail).toContain(sentence);
    await expectNothingMade();
  });

  test('an event of more than a mebibyte', async () => {
    const problem = await ask('POST', '/v1/topics/a', Buffer.alloc(2 ** 20 + 1));
    expect(problem).toMatchObject({ status: 413, answer: { code: 'TOO_LARGE' } });
    expect(problem.answer.detail).toContain('larger than the 1048576 bytes');
    await expectNothingMade();
  });
});

describe('a wrong object is a Status of the resource API', () => {
  const near = { matchExpressions: [{ key: 'a', operator: 'Near' }] };
  test.each([
    ['no topic', trigger({}), 422, 'spec.topic is missing'],
    ['a topic with a space', trigger({ topic: 'a b' }), 422, 'spec.topic must consist of letters, digits'],
    ['an unknown operator', trigger({ topic: 'a', functionSelector: near }), 422, 'must be one of In, NotIn, Exists'],
    ['an unknown field', trigger({ topic: 'a', surprise: 1 }), 422, 'spec.surprise is not a field'],
    ['a duration that is none', trigger({ topic: 'a', delivery: { ttl: 'soon' } }), 422, 'spec.delivery.ttl must be'],
    ['a name in capitals', trigger({ topic: 'a' }, 'T'), 422, 'metadata.name must be an RFC 1123 name'],
    ['no JSON', '{bad', 400, 'is not JSON'],
  ])('%s', async (_, body, status, sentence) => {
    const { answer, ...found } = await ask('POST', TRIGGERS, body);
    expect(found.status).toBe(status);
    expect(answer).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
    expect(answer.message).toContain(sentence);
    await expectNothingMade();
  });
});

test('a manifest that breaks is told by file, line and column, and the last good state stays', async () => {
  const file = join(gateway.manifestDir, 'orders.yaml');
  const manifest = (topic: string) => `${trigger({ topic }).slice(0, -2)}}}\n`;
  await writeFile(file, manifest('good'));
  const topics = async () => {
    const { items } = z
      .object({ items: z.array(z.object({ spec: z.object({ topic: z.string() }) })) })
      .parse(await gateway.get(TRIGGERS));
    return items.map(({ spec }) => spec.topic);
  };
  await eventually('it is applied', async () => (await topics()).includes('good'));
  await writeFile(file, manifest('not good'));
  expect(await gateway.line(/orders\.yaml:1:\d+/)).toContain('spec.topic must consist of letters');
  expect(await topics()).toEqual(['good']);
  await rm(file);
  await eventually('it is gone', async () => (await topics()).length === 0);
});

test('bytes that are no JSON, and no text at all, arrive as they are; what is too large is counted', async () => {
  await using recorder = await startRecorder(['raw']);
  const manifests = [
    functionAt('raw', recorder.url('raw'), { app: 'raw' }),
    triggerFor('kafka', 'raw', 'raw', { app: 'raw' }, { delivery: { maxBytes: 300, order: 'partition' } }),
  ];
  await using other = await startGateway({ manifests });
  const bodies = [
    Buffer.from('{"half":'),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    Buffer.alloc(301),
    Buffer.alloc(0),
  ];
  for (const body of bodies) {
    const answer = await fetch(`${other.url}/v1/topics/raw`, {
      method: 'POST',
      body,
      headers: { connection: 'close' },
    });
    expect(answer.status).toBe(200);
    await answer.text();
  }
  await recorder.waitFor('all but the large one', ({ records }) => records.length === 3);
  expect(recorder.records.map(({ bytes }) => bytes)).toEqual([bodies[0], bodies[1], bodies[3]]);
  const ledger = await eventually('all is accounted', async () => {
    const report = await other.ledger();
    return report.triggers[0]?.functions[0]?.delivered === 3 && report;
  });
  const row = { read: 4, claimed: 3, delivered: 3, droppedBeforeClaim: { too_large: 1 } };
  expect(ledger).toMatchObject({ balanced: true, triggers: [{ functions: [row] }] });
  expect(JSON.stringify(await other.get('/v1/events'))).toContain('too_large');
});

describe('what one gateway has, a second one is refused', () => {
  test('the data directory', async () => {
    const { code, stderr } = await command(['serve', '--port', '0', '--data-dir', gateway.dataDir]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/The data directory .* is in use by another gateway; .*--data-dir/);
  });

  test('a port that was asked for', async () => {
    await using folder = await tempDir('port');
    const { port } = new URL(gateway.url);
    const { code, stderr } = await command(['serve', '--port', port, '--data-dir', join(folder.path, 'data')]);
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${port} is taken on 127.0.0.1: choose another one with --port`);
  });

  test('but not the default port: the next free one is taken, and said', async () => {
    await using folder = await tempDir('port');
    const holder = createServer();
    // Taken by us, or by somebody else: taken.
    await once(holder.listen(8080, '127.0.0.1'), 'listening').catch(() => {});
    const args = ['serve', '--data-dir', join(folder.path, 'data')];
    const { PATH = '' } = process.env;
    const second = await startProcess(process.execPath, [BINARY, ...args], { name: 'trigate', env: { PATH } });
    const started = await second.line(/trigate is running/).finally(() => holder.close());
    expect(started).toMatch(/8080 is taken; listening on 80[89]\d/);
    const { url } = z.object({ url: z.string() }).parse(JSON.parse(started));
    expect((await fetch(`${url}/readyz`, { headers: { connection: 'close' } })).status).toBe(200);
    expect(await second.stop('SIGINT', 10_000)).toEqual({ code: 0, signal: null });
  });
});
