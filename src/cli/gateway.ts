import { z } from 'zod';
import type { ClientConfig } from '../config/index.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Message } from '../domain/publish.ts';
import { errorFromAnswer } from './gateway-error.ts';

const published = z.object({ topic: z.string(), partition: z.number().optional(), offset: z.string().optional() });
const topicList = z.object({ topics: z.array(z.string()) });

/** Milliseconds until the gateway must have begun to answer. */
const ANSWER_WITHIN = 30_000;

type Query = Readonly<Record<string, string | undefined>>;

/**
 * What the commands ask of a gateway beside its resources: topics, events, ledger. A broker is `kafka`, `nats` or
 * `log`; without one the gateway takes its first.
 */
export class Gateway {
  readonly #config: ClientConfig;

  constructor(config: ClientConfig) {
    this.#config = config;
  }

  /** A key and headers travel in the query, where any text survives; the content type as itself. */
  async publish(topic: string, message: Message, broker?: string): Promise<z.infer<typeof published>> {
    const url = this.#url(topicPath(topic), { broker, key: message.key });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(message.headers)) {
      if (name.toLowerCase() === 'content-type') headers['content-type'] = value;
      else url.searchParams.append('header', `${name}=${value}`);
    }
    const answer = await this.#ask(url, { method: 'POST', headers, body: new Uint8Array(message.data) });
    return read(published, await answer.json(), url);
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
    const answer = await this.#ask(url, {});
    return read(topicList, await answer.json(), url).topics;
  }

  /** A JSON answer, parsed. @throws TrigateError INTERNAL when it has another form */
  async get<T>(path: string, schema: z.ZodType<T>, query: Query = {}): Promise<T> {
    const url = this.#url(path, query);
    const answer = await this.#ask(url, { headers: { accept: 'application/json' } });
    return read(schema, await answer.json(), url);
  }

  /** The text of a live feed as it comes, until the gateway or the signal ends it. */
  async *stream(path: string, query: Query, signal: AbortSignal): AsyncGenerator<string> {
    const headers = { accept: 'text/event-stream' };
    const answer = await this.#ask(this.#url(path, query), { headers }, signal);
    if (answer.body === null) return;
    yield* answer.body.pipeThrough(new TextDecoderStream());
  }

  #url(path: string, query: Query = {}): URL {
    const url = new URL(`${this.#config.gateway}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  async #ask(url: URL, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    const { token } = this.#config;
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token.reveal()}`);
    const timer = new AbortController();
    const cancel = setTimeout(() => timer.abort(), ANSWER_WITHIN);
    const signals = signal === undefined ? [timer.signal] : [timer.signal, signal];
    try {
      // A redirect would take the token, or an event, to a place that nobody named.
      const answer = await fetch(url, { ...init, headers, redirect: 'error', signal: AbortSignal.any(signals) });
      if (!answer.ok) throw await errorFromAnswer(answer, url);
      return answer;
    } catch (thrown) {
      if (thrown instanceof TrigateError || signal?.aborted) throw thrown;
      const reason = timer.signal.aborted ? `no answer within ${ANSWER_WITHIN / 1_000}s` : causeOf(thrown);
      throw unreachable(this.#config.gateway, reason, thrown);
    } finally {
      clearTimeout(cancel);
    }
  }

  async #drain(answer: Promise<Response>): Promise<void> {
    await (await answer).body?.cancel();
  }
}

const unreachable = (gateway: string, reason: string, cause: unknown): TrigateError =>
  new TrigateError('GATEWAY_UNREACHABLE', `Cannot reach ${gateway}: ${reason}.`, { cause });

const topicPath = (topic: string): string => `/v1/topics/${encodeURIComponent(topic)}`;

function read<T>(schema: z.ZodType<T>, body: unknown, url: URL): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new TrigateError(
    'INTERNAL',
    `${url.origin} does not answer ${url.pathname} as a gateway of this version does.`,
  );
}

/** fetch says only "fetch failed"; the socket's own word is inside. */
function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  return 'code' in cause ? String(cause.code) : cause.message;
}
