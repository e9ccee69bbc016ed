import { Agent, type Dispatcher, request } from 'undici';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Headers } from './access/access.ts';
import { parseJson } from './json.ts';
import { errorFromStatus, unreadable } from './resource-error.ts';

const ANSWER_TIMEOUT_MS = 30_000;
/**
 * Requests under way at once. Thousands of triggers may all write in one second: those that wait here are given up without
 * having been sent, and keep a server in this process from being busy with nothing else.
 */
const CONNECTIONS = 32;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object | undefined;
  readonly contentType?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** For whoever stands behind the API server. */
export interface RawCall extends Pick<Call, 'method' | 'path' | 'signal'> {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly bytes?: Uint8Array | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A call of a function takes as long as its own limit allows. */
const LONGEST_CALL_MS = 3_600_000;

export interface Transport {
  /** The document of a 2xx answer. */
  json(call: Call): Promise<unknown>;
  /** Whatever is answered, as it is. */
  answer(call: RawCall): Promise<RawAnswer>;
  /** The bytes of a 2xx answer as they come, without a time limit. */
  stream(call: Call): Promise<AsyncIterable<Uint8Array>>;
  /** `GET http://…/path`, for sentences. */
  describe(call: Pick<Call, 'method' | 'path'>): string;
  close(): Promise<void>;
}

/** HTTP to one API server, with failures as TrigateError. */
export function createTransport(options: {
  url: string;
  headers?: Headers | (() => Promise<Headers>) | undefined;
  dispatcher?: Dispatcher | undefined;
}): Transport {
  const base = parseUrl(options.url);
  const own =
    options.dispatcher === undefined
      ? { requests: new Agent({ allowH2: false, connections: CONNECTIONS }), streams: new Agent({ allowH2: false }) }
      : undefined;
  const dispatcher = options.dispatcher ?? own?.requests;
  /** What lasts takes no place from what is soon over. */
  const lasting = options.dispatcher ?? own?.streams;
  // Without the query, and without a user and password that the URL may carry.
  const describe = (call: Pick<Call, 'method' | 'path'>) => `${call.method} ${base.origin}${base.pathname}${call.path}`;

  const ownHeaders = async () => (typeof options.headers === 'function' ? options.headers() : options.headers);

  async function send(
    call: Call,
    bodyTimeout: number,
    dispatcher: Dispatcher | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const search = searchOf(call);
    const headers = await ownHeaders();
    const answer = await request(`${base.origin}${base.pathname}${call.path}${search && `?${search}`}`, {
      method: call.method,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(call.body && { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      ...(dispatcher && { dispatcher }),
      ...(call.signal && { signal: call.signal }),
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout,
    });
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    const retryAfter = answer.headers['retry-after'];
    const text = await answer.body.text();
    throw errorFromStatus(
      answer.statusCode,
      parseJson(text),
      describe(call),
      typeof retryAfter === 'string' ? retryAfter : undefined,
    );
  }

  /** Failures of the network get a sentence; an abort stays the abort that the caller asked for. */
  async function named<Result>(call: Pick<Call, 'signal'>, work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof TrigateError || call.signal?.aborted) throw error;
      throw unreachable(base, error);
    }
  }

  return {
    describe,
    json: (call) =>
      named(
        call,
        send(call, ANSWER_TIMEOUT_MS, dispatcher).then(async (answer) => {
          const document = parseJson(await answer.body.text());
          if (document === undefined)
            throw unreadable(`${describe(call)} was answered with something that is not JSON.`);
          return document;
        }),
      ),
    async answer(call) {
      const { method, path, headers, bytes = null, signal } = call;
      const asked = request(`${base.origin}${base.pathname}${path}`, {
        method,
        headers: { ...headers, ...(await ownHeaders()) },
        body: bytes,
        ...(lasting && { dispatcher: lasting }),
        ...(signal && { signal }),
        headersTimeout: LONGEST_CALL_MS,
        bodyTimeout: LONGEST_CALL_MS,
      });
      const { statusCode: status, body } = await named(call, asked);
      return { status, body: chunks(body, (error) => (signal?.aborted ? error : unreachable(base, error))) };
    },
    async stream(call) {
      const answer = await named(call, send(call, 0, lasting));
      return chunks(answer.body, (error) => (call.signal?.aborted ? error : unreachable(base, error)));
    },
    async close() {
      await Promise.all([own?.requests.destroy(), own?.streams.destroy()]);
    },
  };
}

function searchOf({ query = {} }: Call): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(key, String(value));
  }
  return search.toString();
}

async function* chunks(body: AsyncIterable<Uint8Array>, wrap: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw wrap(error);
  }
}

function parseUrl(url: string): { origin: string; pathname: string } {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new TrigateError('INVALID_ARGUMENT', `The API server must be an http:// or https:// URL, found "${url}".`);
  }
  return { origin: parsed.origin, pathname: parsed.pathname.replace(/\/+$/, '') };
}

function unreachable(base: { origin: string; pathname: string }, thrown: unknown): TrigateError {
  const error = asError(thrown);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = error.message || code || error.name;
  return new TrigateError('GATEWAY_UNREACHABLE', `Cannot reach ${base.origin}${base.pathname}: ${cause}.`, {
    cause: error,
  });
}
