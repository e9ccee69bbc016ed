import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { TrigateError } from '../domain/errors.ts';
import type { Topics } from '../domain/publish.ts';
import { parseInput } from './input.ts';

export interface TopicsOptions {
  /** The first is the default. */
  readonly topics: readonly Topics[];
  /** Largest event that can be published: bytes. */
  readonly maxEventBytes: number;
}

const topicParams = z.object({
  topic: z
    .string()
    .regex(/^[^\s\p{Cc}*>]{1,249}$/u, 'must have 1 to 249 characters and no space, control character, * or >'),
});
const once = z.string('must be given once').optional();
const brokerQuery = z.strictObject({ broker: once });
const header = z.string().regex(/^[^\s=]+=/, 'must be NAME=VALUE');
const publishQuery = z.strictObject({
  broker: once,
  key: once,
  header: z.union([header.transform((one) => [one]), z.array(header)], 'must be NAME=VALUE').default([]),
});
const PARTITIONS_RULE = 'must be a whole number from 1 to 10000';
const topicBody = z.strictObject(
  { partitions: z.int(PARTITIONS_RULE).min(1, PARTITIONS_RULE).max(10_000, PARTITIONS_RULE).default(1) },
  'must be a JSON object such as {"partitions":4}',
);

/** `GET /v1/topics`, `PUT` and `DELETE /v1/topics/{topic}`, and `POST` to it, which publishes the body as an event. */
export function topicsRoutes(app: FastifyInstance, options: TopicsOptions): void {
  const brokerOf = (name: string | undefined) => chooseBroker(options.topics, name);

  app.get('/v1/topics', async (request, reply) => {
    const broker = brokerOf(parseInput(brokerQuery, request.query, 'the query').broker);
    const topics = (await broker.list()).toSorted();
    return reply.header('cache-control', 'no-store').send({ broker: broker.name, topics });
  });

  app.delete('/v1/topics/:topic', async (request, reply) => {
    const { topic } = parseInput(topicParams, request.params, 'the path');
    await brokerOf(parseInput(brokerQuery, request.query, 'the query').broker).delete(topic);
    return reply.code(204).send();
  });

  app.register(async (json) => {
    json.removeContentTypeParser('text/plain');
    json.put('/v1/topics/:topic', async (request, reply) => {
      const { topic } = parseInput(topicParams, request.params, 'the path');
      const broker = brokerOf(parseInput(brokerQuery, request.query, 'the query').broker);
      const wanted = parseInput(topicBody, request.body ?? {}, 'the body');
      const { partitions } = await broker.create(topic, wanted);
      return reply.code(201).send({ broker: broker.name, topic, partitions });
    });
  });

  app.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);
    raw.post('/v1/topics/:topic', { bodyLimit: options.maxEventBytes }, async (request) => {
      const { topic } = parseInput(topicParams, request.params, 'the path');
      const { broker, key, header } = parseInput(publishQuery, request.query, 'the query');
      const data = Buffer.isBuffer(request.body) ? request.body : new Uint8Array();
      const headers = { ...headersOfEvent(request.headers), ...headersOfQuery(header) };
      return brokerOf(broker).publish(topic, { data, key, headers });
    });
  });
}

function chooseBroker(topics: readonly Topics[], name: string | undefined): Topics {
  const chosen = name === undefined ? topics[0] : topics.find((each) => each.name === name);
  if (chosen !== undefined) return chosen;
  if (topics.length === 0)
    throw new TrigateError('NOT_IMPLEMENTED', 'This process has no broker whose topics it could act on.');
  throw new TrigateError(
    'INVALID_ARGUMENT',
    `broker must be one of ${topics.map((each) => each.name).join(', ')}, found ${JSON.stringify(name)}.`,
  );
}

/** What of the request belongs to the event: its content type, CloudEvents attributes and trace context. */
function headersOfEvent(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && isOfEvent(name) ? [[name, value] as const] : [],
  );
  return Object.fromEntries(kept);
}

const isOfEvent = (name: string): boolean =>
  name.startsWith('ce-') || name === 'content-type' || name === 'traceparent' || name === 'tracestate';

/** In the query any name and value survives: `?header=NAME=VALUE`, as often as needed. */
const headersOfQuery = (texts: readonly string[]): Record<string, string> =>
  Object.fromEntries(texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]));
