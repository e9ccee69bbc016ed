import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import type { GatewayTarget, Secret } from '../config/index.ts';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Message } from '../domain/publish.ts';
import { errorFromAnswer } from './gateway-error.ts';

const published = z.object({
  topic: z.string(),
  partition: z.number().optional(),
  offset: z.string().optional(),
  stream: z.string().optional(),
});
const topicList = z.object({ topics: z.array(z.string()) });

/** Milliseconds until the gateway must have begun to answer. */
const ANSWER_WITHIN = 30_000;
/** A feed that is silent for longer is cut: a gateway says something every 15 s. */
const SILENT_FOR = 45_000;

type Query = Readonly<Record<string, string | undefined>>;

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
  readonly #target: GatewayTarget | undefined;
  readonly #token: Secret | undefined;
  readonly #agent = new Agent({ allowH2: false });
  readonly #say: (text: string) => void;
  #said = false;

  /**
   * @param target undefined: none was named, and asking fails
   * @param say told once, before the first request, who is asked
   */
  constructor(target: GatewayTarget | undefined, token: Secret | undefined, say: (text: string) => void = () => {}) {
    this.#target = target;
    this.#token = token;
    this.#say = say;
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

  async createTopic(topic: string, partitions: number, broker?: string): Promise<void> {
    const url = this.#url(topicPath(topic), { broker });
    const headers = { 'content-type': 'application/json' };
    await this.#drain(this.#ask(url, { method: 'PUT', headers, body: JSON.stringify({ partitions }) }));
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
      throw new TrigateError('GATEWAY_UNREACHABLE', 'The gateway has cut the feed.', { cause: thrown });
    }
  }

  /** Ends its connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #url(path: string, query: Query = {}): URL {
    if (this.#target === undefined) throw new TrigateError('INVALID_ARGUMENT', NO_GATEWAY);
    const { url: root, from } = this.#target;
    if (!this.#said) this.#say(`Topics and events are those of the gateway ${root}, named by ${from}.`);
    this.#said = true;
    const url = new URL(`${root}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  async #json<T>(schema: z.ZodType<T>, url: URL, call: Call): Promise<T> {
    const { body } = await this.#ask(url, call);
    const result = schema.safeParse(await body.json().catch(() => undefined));
    if (result.success) return result.data;
    const text = `${url.origin} does not answer ${url.pathname} as a gateway of this version does.`;
    throw new TrigateError('INTERNAL', text);
  }

  /** Redirects are not followed: one would take the token, or an event, to a place that nobody named. */
  async #ask(url: URL, { method = 'GET', headers, body = null, endless }: Call) {
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token.reveal()}` };
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(url, {
        method,
        headers: { ...headers, ...authorization },
        body,
        dispatcher: this.#agent,
        headersTimeout: ANSWER_WITHIN,
        bodyTimeout: endless === undefined ? ANSWER_WITHIN : SILENT_FOR,
        ...(endless && { signal: endless }),
      });
    } catch (thrown) {
      if (endless?.aborted) throw thrown;
      throw unreachable(this.#target?.url ?? url.origin, thrown);
    }
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    throw errorFromAnswer(answer.statusCode, await answer.body.text(), url);
  }

  async #drain(answer: Promise<Dispatcher.ResponseData>): Promise<void> {
    await (await answer).body.dump();
  }
}

function unreachable(gateway: string, thrown: unknown): TrigateError {
  const error = asError(thrown);
  const code = 'code' in error ? String(error.code) : '';
  // Of several addresses that were tried, Node.js names none in the message.
  return new TrigateError('GATEWAY_UNREACHABLE', `Cannot reach ${gateway}: ${error.message || code}.`, {
    cause: error,
  });
}

const NO_GATEWAY =
  'Topics, events and counts are those of a gateway or controller, not of an API server: name one with --gateway or ' +
  'TRIGATE_GATEWAY ("kubectl port-forward" makes one of a cluster reachable).';

const topicPath = (topic: string): string => `/v1/topics/${encodeURIComponent(topic)}`;
