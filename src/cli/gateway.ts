import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Message } from '../domain/publish.ts';
import { errorFromAnswer } from './gateway-error.ts';

const published = z.object({
  topic: z.string(),
  partition: z.number().optional(),
  offset: z.string().optional(),
  stream: z.string().optional(),
});
const createdTopic = z.object({ partitions: z.number().optional() });
const topicList = z.object({ topics: z.array(z.string()) });

/** Milliseconds until the gateway must have begun to answer, when nobody says. */
const ANSWER_WITHIN = 30_000;
/** A feed that is silent for longer is cut: a gateway says something every 15 s. */
const SILENT_FOR = 45_000;

type Query = Readonly<Record<string, string | undefined>>;

/** How a gateway is reached. */
export interface GatewayLink {
  /** Without a slash at its end. */
  readonly url: string;
  /** For people: `the gateway http://…`. */
  readonly name: string;
  /** Whom a failed connection was to. */
  readonly server: string;
  /** Default: connections of its own, which it ends. */
  readonly dispatcher?: Dispatcher;
  /** Milliseconds until it must have begun to answer. Default: 30,000. */
  readonly answerWithin?: number;
  /** Asked for before each request: a login may be renewed meanwhile. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The error of an answer other than 2xx, when it is not the gateway's own. */
  refusal?(status: number, text: string): TrigateError | undefined;
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | null;
  /** For an answer that has no end. */
  readonly endless?: AbortSignal;
}

/**
 * What the commands ask of a gateway beside its resources: topics, events, ledger. A broker is `kafka`, `nats` or
 * `log`; without one the gateway takes its first.
 */
export class Gateway {
  readonly #link: GatewayLink;
  readonly #own: Dispatcher | undefined;
  readonly #dispatcher: Dispatcher;

  constructor(link: GatewayLink) {
    this.#link = link;
    this.#dispatcher = link.dispatcher ?? new Agent({ allowH2: false });
    this.#own = link.dispatcher === undefined ? this.#dispatcher : undefined;
  }

  /** For people. */
  get name(): string {
    return this.#link.name;
  }

  /** A key and headers travel in the query, where any text survives; the content type as itself. */
  async publish(topic: string, message: Message, broker?: string): Promise<z.infer<typeof published>> {
    const url = this.#url(topicPath(topic), { broker, key: message.key });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(message.headers)) {
      if (name.toLowerCase() === 'content-type') headers['content-type'] = value;
      else url.searchParams.append('header', `${name}=${value}`);
    }
    return this.#json(published, url, { method: 'POST', headers, body: message.data });
  }

  /** Answers how many partitions it has. */
  async createTopic(topic: string, partitions: number, broker?: string): Promise<number> {
    const url = this.#url(topicPath(topic), { broker });
    const headers = { 'content-type': 'application/json' };
    const created = await this.#json(createdTopic, url, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ partitions }),
    });
    return created.partitions ?? partitions;
  }

  async deleteTopic(topic: string, broker?: string): Promise<void> {
    await this.#drain(this.#ask(this.#url(topicPath(topic), { broker }), { method: 'DELETE' }));
  }

  async listTopics(broker?: string): Promise<string[]> {
    const url = this.#url('/v1/topics', { broker });
    return (await this.#json(topicList, url, {})).topics;
  }

  /** A JSON answer, parsed. @throws TrigateError INTERNAL when it has another form */
  async get<T>(path: string, schema: z.ZodType<T>, query: Query = {}): Promise<T> {
    return this.#json(schema, this.#url(path, query), { headers: { accept: 'application/json' } });
  }

  /**
   * The text of a live feed as it comes, until the gateway or the signal ends it.
   * @param onOpen called when the gateway has taken the request
   * @throws TrigateError GATEWAY_UNREACHABLE when it was never there, or is no longer
   */
  async *stream(path: string, query: Query, signal: AbortSignal, onOpen = () => {}): AsyncGenerator<string> {
    const headers = { accept: 'text/event-stream' };
    const { body } = await this.#ask(this.#url(path, query), { headers, endless: signal });
    body.setEncoding('utf8');
    onOpen();
    try {
      for await (const chunk of body) yield String(chunk);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      throw new TrigateError('GATEWAY_UNREACHABLE', `The feed of ${this.name} was cut.`, { cause: thrown });
    }
  }

  /** Ends its connections. */
  async close(): Promise<void> {
    await this.#own?.destroy();
  }

  #url(path: string, query: Query = {}): URL {
    const url = new URL(`${this.#link.url}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  async #json<T>(schema: z.ZodType<T>, url: URL, call: Call): Promise<T> {
    const { body } = await this.#ask(url, call);
    const result = schema.safeParse(await body.json().catch(() => undefined));
    if (result.success) return result.data;
    const path = url.pathname.slice(new URL(this.#link.url).pathname.replace(/\/$/, '').length);
    throw new TrigateError('INTERNAL', `${sentenceOf(this.name)} does not answer ${path} as one of this version does.`);
  }

  /** Redirects are not followed: one would take the token, or an event, to a place that nobody named. */
  async #ask(url: URL, { method = 'GET', headers, body = null, endless }: Call) {
    const { answerWithin = ANSWER_WITHIN, server } = this.#link;
    const own = await this.#link.headers();
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(url, {
        method,
        headers: { ...headers, ...own },
        body,
        dispatcher: this.#dispatcher,
        headersTimeout: answerWithin,
        bodyTimeout: endless === undefined ? ANSWER_WITHIN : SILENT_FOR,
        ...(endless && { signal: endless }),
      });
    } catch (thrown) {
      if (endless?.aborted) throw thrown;
      throw unreachable(server, thrown);
    }
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    const text = await answer.body.text();
    throw this.#link.refusal?.(answer.statusCode, text) ?? errorFromAnswer(answer.statusCode, text, url);
  }

  async #drain(answer: Promise<Dispatcher.ResponseData>): Promise<void> {
    await (await answer).body.dump();
  }
}

const sentenceOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

function unreachable(server: string, thrown: unknown): TrigateError {
  const error = asError(thrown);
  const code = 'code' in error ? String(error.code) : '';
  // Of several addresses that were tried, Node.js names none in the message.
  return new TrigateError('GATEWAY_UNREACHABLE', `Cannot reach ${server}: ${error.message || code}.`, {
    cause: error,
  });
}

const topicPath = (topic: string): string => `/v1/topics/${encodeURIComponent(topic)}`;
