import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';
import { fakeGateway, ok } from './fake-gateway.ts';

const publish = ['topic', 'publish', '--topic', 'orders'];
const PUBLISHED = { 'POST /v1/topics/orders': ok({ topic: 'orders', partition: 2, offset: '41' }) };

describe('topic publish', () => {
  it('sends the data as they are and says where they were stored', async () => {
    await using gateway = await fakeGateway(PUBLISHED);
    const result = await commandLine([...publish, '--data', '{"order":1}'], { TRIGATE_GATEWAY: gateway.url });
    expect(result).toEqual({
      code: 0,
      stdout: '',
      stderr: 'INFO[0000] Published to topic orders, partition 2, offset 41.\n',
    });
    expect(gateway.received).toMatchObject([{ line: 'POST /v1/topics/orders', body: '{"order":1}' }]);
    expect(gateway.received[0]?.headers).not.toHaveProperty('content-type');
  });

  it('sends key, headers and token', async () => {
    await using gateway = await fakeGateway(PUBLISHED);
    const headers = ['--header', 'Content-Type=text/plain', '--header', 'region=e=u', '--header', 'x=1'];
    const args = [...publish, '--data', '', '--key', 'ключ', ...headers, '-o', 'json'];
    const result = await commandLine(args, { TRIGATE_GATEWAY: gateway.url, TRIGATE_TOKEN: 'secret' });
    expect(result.stdout).toBe('{"topic":"orders","partition":2,"offset":"41"}\n');
    const [request] = gateway.received;
    const url = new URL(request?.line.split(' ')[1] ?? '', gateway.url);
    expect(url.searchParams.getAll('header')).toEqual(['region=e=u', 'x=1']);
    expect(url.searchParams.get('key')).toBe('ключ');
    expect(request?.headers).toMatchObject({ 'content-type': 'text/plain', authorization: 'Bearer secret' });
  });

  it('reads the data from a file or from standard input', async () => {
    await using gateway = await fakeGateway(PUBLISHED);
    await using folder = await tempDir('cli');
    const path = join(folder.path, 'event.bin');
    await writeFile(path, 'from a file');
    const env = { TRIGATE_GATEWAY: gateway.url };
    await commandLine([...publish, '--file', path], env);
    await commandLine([...publish, '--file', '-'], env, { readInput: async () => Buffer.from('from a pipe') });
    expect(gateway.received.map(({ body }) => body)).toEqual(['from a file', 'from a pipe']);
  });

  it('goes through the gateway for nats publish without --url', async () => {
    await using gateway = await fakeGateway({ 'POST /v1/topics/orders': ok({ topic: 'orders' }) });
    const args = ['trigger', 'nats', 'publish', '--topic', 'orders', '--message', 'hi'];
    const { stderr } = await commandLine(args, { TRIGATE_GATEWAY: gateway.url });
    expect(stderr).toBe("INFO[0000] Published [orders] : 'hi'\n");
    expect(gateway.received).toMatchObject([{ line: 'POST /v1/topics/orders?broker=nats', body: 'hi' }]);
  });
});

describe('topic', () => {
  it('lists names without what would steer a terminal', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: ['a\u001b[2J', 'b\u009b'] }) });
    const env = { TRIGATE_GATEWAY: gateway.url };
    for (const more of [[], ['-o', 'name']]) {
      expect((await commandLine(['topic', 'list', ...more], env)).stdout).toBe('a·[2J\nb·\n');
    }
  });

  it('creates, deletes and lists', async () => {
    await using gateway = await fakeGateway({
      'PUT /v1/topics/orders': ok({}),
      'DELETE /v1/topics/orders': ok({}),
      'GET /v1/topics': ok({ topics: ['b', 'a'] }),
    });
    const env = { TRIGATE_GATEWAY: gateway.url };
    const created = await commandLine(['topic', 'create', 'orders', '--partitions', '4'], env);
    expect(created).toEqual({ code: 0, stdout: '', stderr: 'INFO[0000] Created topic orders.\n' });
    expect(gateway.received[0]?.body).toBe('{"partitions":4}');
    await using log = await fakeGateway({ 'PUT /v1/topics/orders': ok({ partitions: 1 }) });
    const one = await commandLine(['topic', 'create', 'orders', '--partitions', '4'], { TRIGATE_GATEWAY: log.url });
    expect(one.stderr).toContain('WARN[0000] It has 1 partition: more than that is for Kafka.');
    const deleted = await commandLine(['topic', 'delete', 'orders'], env);
    expect(deleted.stderr).toBe('INFO[0000] Deleted topic orders.\n');
    expect(await commandLine(['topic', 'ls', '--broker', 'log'], env)).toEqual({
      code: 0,
      stdout: 'a\nb\n',
      stderr: '',
    });
  });

  it('lists in other forms', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: ['b', 'a'] }) });
    const listed = async (output: string) =>
      (await commandLine(['topic', 'list', '-o', output], { TRIGATE_GATEWAY: gateway.url })).stdout;
    expect(JSON.parse(await listed('json'))).toEqual({ topics: ['a', 'b'] });
    expect(await listed('jsonpath={.topics[0]}')).toBe('a');
    expect(await listed('name')).toBe('a\nb\n');
  });

  it('takes Kubeless’ --kafka-namespace', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: [] }) });
    const args = ['topic', 'list', '--kafka-namespace', 'kubeless'];
    const result = await commandLine(args, { TRIGATE_GATEWAY: gateway.url });
    expect(result).toEqual({ code: 0, stdout: '', stderr: 'INFO[0000] There are no topics.\n' });
  });

  it('says what the gateway says', async () => {
    const body = { type: 'about:blank', status: 404, code: 'NOT_FOUND', detail: 'There is no topic orders.' };
    await using gateway = await fakeGateway({ 'DELETE /v1/topics/orders': { status: 404, body } });
    const result = await commandLine(['topic', 'delete', 'orders'], { TRIGATE_GATEWAY: gateway.url });
    expect(result).toEqual({ code: 1, stdout: '', stderr: 'FATA[0000] There is no topic orders.\n' });
  });

  it('asks for a token when the gateway wants one', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': { status: 401, body: '' } });
    const { stderr } = await commandLine(['topic', 'list'], { TRIGATE_GATEWAY: gateway.url });
    expect(stderr).toContain('answered /v1/topics with status 401. Set TRIGATE_TOKEN or give --token-file.');
  });

  it.each([
    [['topic', 'create'], 'Need exactly one argument - topic name'],
    [['topic', 'create', '..'], 'The topic must be 1 to 249 of the characters a-z A-Z 0-9 . _ - and not'],
    [['topic', 'create', 'a', '--partitions', '0'], '--partitions must be a whole number from 1 to 10000, found "0".'],
    [['topic', 'publish', '--topic', 'a.*', '--data', ''], 'The topic must be a topic name or a NATS subject without'],
    [['topic', 'publish', '--topic', '..', '--data', ''], 'The topic must be a topic name or a NATS subject without'],
    [[...publish], 'Give the event with --data or with --file, found neither.'],
    [[...publish, '--data', 'a', '--file', 'b'], 'Give the event with --data or with --file, found both.'],
    [[...publish, '--file', '/no/file'], '--file must name a file that can be read, found "/no/file" (ENOENT).'],
    [[...publish, '--data', '', '--header', 'a b=c'], '--header must be name=value, the name of letters,'],
    [
      [...publish, '--data', '', '--header', 'Content-Type=a\nb'],
      '--header Content-Type must have a value of characters',
    ],
    [['function', 'call', 'a', '--header', 'a=\u0000'], '--header a must have a value of characters of ISO 8859-1'],
    [['trigger', 'nats', 'publish'], 'required flag(s) "message" not set'],
    [['trigger', 'nats', 'publish', '--message', '', '--url', 'http://x'], '--url must be a comma list of nats://'],
  ])('%j is refused with one sentence', async (args, sentence) => {
    const result = await commandLine(args, { TRIGATE_GATEWAY: 'http://127.0.0.1:1' });
    expect(result.stderr).toContain(`FATA[0000] ${sentence}`);
    expect(result).toMatchObject({ code: 1, stdout: '' });
  });
});
