import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import { parseDuration } from '../domain/duration.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Feed } from '../telemetry/feed.ts';
import { feedOutcomes } from '../telemetry/feed.ts';
import { EventStream } from './event-stream.ts';
import { parseInput } from './input.ts';

export interface EventsOptions {
  readonly feed: Pick<Feed, 'read' | 'cursor' | 'subscribe'>;
  readonly clock: Clock;
}

const MAX_LIMIT = 1_000;
const MAX_STREAMS = 64;

/** How long a reader may take to fetch the rest of its stream when the server closes: milliseconds. */
const CLOSE_GRACE_MS = 1_000;

/** `GET /v1/events`: a page of the feed or, with `Accept: text/event-stream`, the feed as it comes. */
export function eventsRoute(app: FastifyInstance, options: EventsOptions): void {
  const { feed, clock } = options;
  const query = eventsQuery(clock);
  const streams = new Map<EventStream, Socket>();

  // A HEAD of an endless stream would never end.
  app.get('/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    const asked = parseInput(query, request.query, 'the query');
    if (!wantsStream(request)) return reply.header('cache-control', 'no-store').send(feed.read(asked));
    if (streams.size >= MAX_STREAMS)
      throw new TrigateError(
        'CONFLICT',
        `${MAX_STREAMS} live feeds are open, as many as are allowed: close one first.`,
      );
    const stream = new EventStream({ feed, clock, query: { ...asked, after: lastEventId(request) ?? asked.after } });
    streams.set(stream, request.raw.socket);
    stream.once('close', () => streams.delete(stream));
    return sendStream(reply, stream);
  });

  app.addHook('preClose', async () => {
    for (const [stream, socket] of streams) {
      stream.finish();
      const cancel = clock.after(CLOSE_GRACE_MS, () => socket.destroy());
      socket.once('close', cancel);
    }
  });
}

function sendStream(reply: FastifyReply, stream: EventStream): FastifyReply {
  return reply
    .type('text/event-stream')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .header('connection', 'close')
    .send(stream);
}

const wantsStream = (request: FastifyRequest): boolean =>
  /(^|[\s,])text\/event-stream([\s,;]|$)/i.test(request.headers.accept ?? '');

function lastEventId(request: FastifyRequest): string | undefined {
  const value = request.headers['last-event-id'];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function eventsQuery(clock: Clock) {
  const name = z.string('must be given once').optional();
  return z.strictObject({
    after: name,
    limit: z
      .string('must be given once')
      .refine((text) => /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_LIMIT, {
        error: `must be a whole number from 1 to ${MAX_LIMIT}`,
      })
      .transform(Number)
      .optional(),
    id: name,
    kind: name,
    namespace: name,
    trigger: name,
    function: name,
    outcome: z.enum(feedOutcomes, `must be one of ${feedOutcomes.join(', ')}`).optional(),
    since: z
      .string('must be given once')
      .transform((text, context) => {
        const moment = sinceMoment(text, clock);
        if (moment !== undefined) return moment;
        context.addIssue({ code: 'custom', message: SINCE_RULE, input: text });
        return z.NEVER;
      })
      .optional(),
  });
}

const SINCE_RULE = 'must be a time such as 2027-01-31T12:00:00Z, or how long ago such as 30s, 5m or 24h';

/** Milliseconds since the epoch. */
function sinceMoment(text: string, clock: Clock): number | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return clock.now() - ago;
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : moment;
}
