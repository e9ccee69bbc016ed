import { describe, expect, it } from 'vitest';
import { adminServer } from '../../test/support/admin.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Message, Published, Topics } from '../domain/publish.ts';

/** Topics in memory: what the routes ask of a broker, recorded. */
class RecordedTopics implements Topics {
  readonly name: string;
  readonly published: { topic: string; message: Message }[] = [];
  readonly topics = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  async publish(topic: string, message: Message): Promise<Published> {
    this.published.push({ topic, message });
    return this.name === 'nats' ? { topic } : { topic, partition: 0, offset: String(this.published.length - 1) };
  }

  async create(topic: string, { partitions }: { partitions: number }): Promise<{ partitions: number }> {
    if (this.topics.has(topic)) throw new TrigateError('ALREADY_EXISTS', `Topic ${topic} exists.`);
    this.topics.set(topic, partitions);
    return { partitions };
  }

  async delete(topic: string): Promise<void> {
    if (!this.topics.delete(topic)) throw new TrigateError('NOT_FOUND', `There is no topic ${topic}.`);
  }

  async list(): Promise<string[]> {
    return [...this.topics.keys()];
  }

  async close(): Promise<void> {}
}

async function serverWithTopics(maxEventBytes?: number) {
  const [log, nats] = [new RecordedTopics('log'), new RecordedTopics('nats')];
  const topics = [log, nats];
  const server = await adminServer(maxEventBytes === undefined ? { topics } : { topics, maxEventBytes });
  return { app: server.app, log, nats, [Symbol.asyncDispose]: () => server.app.close() };
}

describe('POST /v1/topics/{topic}', () => {
  it('publishes the body as it came, with the headers that belong to the event', async () => {
    await using server = await serverWithTopics();
    const answer = await server.app.inject({
      method: 'POST',
      url: '/v1/topics/orders?key=customer-7&header=X-Mixed=a%3Db&header=plain=1',
      headers: {
        'content-type': 'application/json',
        'ce-type': 'order.created',
        traceparent: '00-1-2-01',
        cookie: 'a=b',
        authorization: 'Bearer x',
      },
      payload: '{"order": 1}',
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ topic: 'orders', partition: 0, offset: '0' });
    const [sent] = server.log.published;
    expect(sent?.topic).toBe('orders');
    expect(Buffer.from(sent?.message.data ?? []).toString()).toBe('{"order": 1}');
    expect(sent?.message.key).toBe('customer-7');
    expect(sent?.message.headers).toEqual({
      'content-type': 'application/json',
      'ce-type': 'order.created',
      traceparent: '00-1-2-01',
      'X-Mixed': 'a=b',
      plain: '1',
    });
  });

  it.each([
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'image/png',
    'application/cloudevents+json; charset=utf-8',
    undefined,
  ])('takes bytes of content type %s, also such as are no JSON or text', async (type) => {
    await using server = await serverWithTopics();
    const payload = Buffer.from([0, 255, 123, 10]);
    const headers = type === undefined ? {} : { 'content-type': type };
    const answer = await server.app.inject({ method: 'POST', url: '/v1/topics/orders', headers, payload });
    expect(answer.statusCode).toBe(200);
    expect(Buffer.from(server.log.published[0]?.message.data ?? [])).toEqual(payload);
  });

  it('publishes an event without data', async () => {
    await using server = await serverWithTopics();
    expect((await server.app.inject({ method: 'POST', url: '/v1/topics/orders' })).statusCode).toBe(200);
    expect(server.log.published[0]?.message).toEqual({ data: new Uint8Array(), key: undefined, headers: {} });
  });

  it('publishes to the broker that the query names', async () => {
    await using server = await serverWithTopics();
    const answer = await server.app.inject({ method: 'POST', url: '/v1/topics/orders.new?broker=nats', payload: 'x' });
    expect(answer.json()).toEqual({ topic: 'orders.new' });
    expect(server.nats.published).toHaveLength(1);
  });

  it('refuses a larger body than is allowed', async () => {
    await using server = await serverWithTopics(10);
    const post = (payload: string) => server.app.inject({ method: 'POST', url: '/v1/topics/orders', payload });
    expect((await post('x'.repeat(10))).statusCode).toBe(200);
    const answer = await post('x'.repeat(11));
    expect(answer.json()).toMatchObject({
      status: 413,
      code: 'TOO_LARGE',
      detail: 'The body is larger than the 10 bytes that are allowed here.',
    });
    expect(server.log.published).toHaveLength(1);
  });

  it.each([
    ['/v1/topics/a%20b', 'topic must have 1 to 249 characters'],
    ['/v1/topics/orders.*', 'topic must have 1 to 249 characters'],
    [`/v1/topics/${'x'.repeat(250)}`, 'topic must have 1 to 249 characters'],
    ['/v1/topics/orders?broker=kafka', 'broker must be one of log, nats, found "kafka".'],
    ['/v1/topics/orders?key=a&key=b', 'key must be given once'],
    ['/v1/topics/orders?header=x', 'header must be NAME=VALUE'],
    ['/v1/topics/orders?partition=1', 'the query does not know "partition".'],
  ])('refuses %s with a sentence and publishes nothing', async (url, sentence) => {
    await using server = await serverWithTopics();
    const answer = await server.app.inject({ method: 'POST', url, payload: 'x' });
    expect(answer.json()).toMatchObject({
      status: 400,
      code: 'INVALID_ARGUMENT',
      detail: expect.stringContaining(sentence),
    });
    expect([...server.log.published, ...server.nats.published]).toEqual([]);
  });
});

describe('topics', () => {
  const put = (payload?: object | string, type = 'application/json') =>
    ({
      method: 'PUT',
      url: '/v1/topics/orders',
      headers: { 'content-type': type },
      ...(payload === undefined ? {} : { payload }),
    }) as const;

  it('are created, listed and deleted', async () => {
    await using server = await serverWithTopics();
    expect((await server.app.inject(put({ partitions: 4 }))).statusCode).toBe(201);
    expect(server.log.topics.get('orders')).toBe(4);
    await server.app.inject({ method: 'PUT', url: '/v1/topics/alpha' });
    expect(server.log.topics.get('alpha')).toBe(1);
    expect((await server.app.inject('/v1/topics')).json()).toEqual({ broker: 'log', topics: ['alpha', 'orders'] });
    expect((await server.app.inject('/v1/topics?broker=nats')).json()).toEqual({ broker: 'nats', topics: [] });
    expect((await server.app.inject({ method: 'DELETE', url: '/v1/topics/orders' })).statusCode).toBe(204);
    expect((await server.app.inject({ method: 'DELETE', url: '/v1/topics/orders' })).json()).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
  });

  it('are not created twice', async () => {
    await using server = await serverWithTopics();
    await server.app.inject(put({}));
    expect((await server.app.inject(put({}))).json()).toMatchObject({ status: 409, code: 'ALREADY_EXISTS' });
  });

  it.each([
    [{ partitions: 0 }, 'partitions must be a whole number from 1 to 10000, found 0.'],
    [{ partitions: 1.5 }, 'partitions must be a whole number from 1 to 10000, found 1.5.'],
    [{ partitions: 'four' }, 'partitions must be a whole number from 1 to 10000, found "four".'],
    [{ replicas: 3 }, 'the body does not know "replicas".'],
    [[1], 'the body must be a JSON object such as {"partitions":4}, found [1].'],
    ['{"partitions":', 'The body must be JSON, as its content-type says.'],
  ])('are not created from the body %j', async (body, detail) => {
    await using server = await serverWithTopics();
    expect((await server.app.inject(put(body))).json()).toMatchObject({
      status: 400,
      code: 'INVALID_ARGUMENT',
      detail,
    });
    expect(server.log.topics.size).toBe(0);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'nonsense'])(
    'are created from JSON only, not from %s',
    async (type) => {
      await using server = await serverWithTopics();
      const answer = await server.app.inject(put('{"partitions":4}', type));
      expect(answer.json()).toMatchObject({
        status: 415,
        code: 'UNSUPPORTED_MEDIA_TYPE',
        detail: expect.stringContaining(`found "${type}"`),
      });
    },
  );

  it('cannot be acted on where there is no broker', async () => {
    await using server = await adminServer();
    expect((await server.app.inject('/v1/topics')).json()).toMatchObject({ status: 501, code: 'NOT_IMPLEMENTED' });
  });
});
