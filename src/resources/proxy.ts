import { TrigateError } from '../domain/errors.ts';
import { parseJson } from './json.ts';
import { resourcePath } from './path.ts';
import { errorFromStatus, statusBody } from './resource-error.ts';
import type { Transport } from './transport.ts';

/** A Service, for a request through the API server. */
export interface ServiceAddress {
  readonly namespace: string;
  readonly name: string;
  /** Its name, or its number. */
  readonly port: string;
}

export interface ServiceCall {
  readonly method: 'GET' | 'POST';
  /** At the Service: `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

export interface PodLogOptions {
  readonly container?: string | undefined;
  /** Goes on with what comes. */
  readonly follow?: boolean | undefined;
  /** Only the last so many. Default: all. */
  readonly tailLines?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a function answers is not to be trusted with our memory. */
const LARGEST_ANSWER = 64 << 20;

const services = { group: '', version: 'v1', plural: 'services', namespaced: true } as const;
const pods = { group: '', version: 'v1', plural: 'pods', namespaced: true } as const;

/** Whatever the Service answers. A Status is the API server's own refusal: then nobody was reached. */
export async function callService(
  transport: Transport,
  { namespace, name, port }: ServiceAddress,
  { method, path, headers, body, signal }: ServiceCall,
): Promise<ServiceAnswer> {
  const call = { method, path: `${resourcePath(services, namespace, `${name}:${port}`)}/proxy${path}`, signal };
  const answer = await transport.answer({ ...call, headers, bytes: body });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LARGEST_ANSWER)
      throw new TrigateError('TOO_LARGE', `${name} answers more than ${LARGEST_ANSWER} bytes.`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const refusal = answer.status < 400 ? undefined : statusBody.safeParse(parseJson(bytes.toString())).data;
  if (refusal !== undefined) throw errorFromStatus(answer.status, refusal, transport.describe(call));
  return { status: answer.status, body: bytes };
}

export function podLog(
  transport: Transport,
  namespace: string,
  name: string,
  { signal, ...query }: PodLogOptions,
): Promise<AsyncIterable<Uint8Array>> {
  return transport.stream({ method: 'GET', path: `${resourcePath(pods, namespace, name)}/log`, query, signal });
}
