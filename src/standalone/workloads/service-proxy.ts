import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { asError } from '../../domain/errors.ts';
import { forbidden, notFound, StatusError } from '../api/status.ts';
import { serviceType } from './types.ts';
import { PORT_NAME } from './views.ts';

/** Where a function is called, as far as that is known now. */
export interface ProxyTarget {
  readonly url: string | undefined;
  /** Of its Service. */
  readonly port: number;
  /** Milliseconds that a call may take. */
  readonly timeout: number;
}

export interface ServiceProxyOptions {
  /** Undefined: there is no such function. */
  find(namespace: string, name: string): ProxyTarget | undefined;
  readonly clock: Clock;
}

const parameters = z.object({ namespace: z.string(), service: z.string() });

/** A function ends a call that takes too long by itself, and says so; this is for one that does not. */
const MARGIN_MS = 5_000;

/** Of one connection only (RFC 9110, 7.6.1), or of the way to us: neither our token nor a page's cookies are a function's. */
const NOT_PASSED = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['host', 'expect', 'content-length', 'proxy-authenticate', 'proxy-authorization'],
  ...['authorization', 'x-trigate-token', 'cookie', 'set-cookie'],
]);

/**
 * `/api/v1/namespaces/NS/services/NAME:PORT/proxy/PATH`: a direct call, as `kubectl` and Kubeless' command make it
 * through a cluster's API server. It is not an event: no lane, no claim, no ledger.
 */
export function serviceProxy({ find, clock }: ServiceProxyOptions) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseForeignPage(request);
    const { namespace, service } = parameters.parse(request.params);
    // As it was written: what an encoded slash means is for the function to say.
    const [, path = '/', search = ''] = /^(?:\/[^/]+){6}\/proxy(\/[^?]*)?(\?.*)?$/.exec(request.raw.url ?? '') ?? [];
    const [name = '', port = ''] = service.split(':');
    const target = find(namespace, name);
    if (target === undefined) throw notFound(serviceType, name);
    if (!['', PORT_NAME, String(target.port)].includes(port)) {
      throw unavailable(`no service port "${port}" found for service "${name}"`);
    }
    if (target.url === undefined) throw unavailable(`no endpoints available for service "${name}"`);
    // The root is where events are sent, to the letter.
    const url = `${path === '/' ? target.url : target.url.replace(/\/+$/, '') + path}${search}`;
    const answer = await forward(url, request, reply, { clock, name, within: target.timeout + MARGIN_MS });
    return (
      reply
        .code(answer.statusCode ?? 502)
        .headers(passed(answer.headers))
        // A page that a function answers with must not act as the gateway, whose origin it comes from.
        .header('content-security-policy', 'sandbox')
        .send(answer)
    );
  };
}

/** Also a GET does something here: the guard lets those of other web pages pass, whose scripts cannot read the answer. */
function refuseForeignPage({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw forbidden('a web page of another origin may not call functions here');
}

function forward(
  url: string,
  { method, headers, body }: FastifyRequest,
  { raw: response }: FastifyReply,
  { clock, name, within }: { clock: Clock; name: string; within: number },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.isBuffer(body) ? body : undefined;
    const length = bytes === undefined ? {} : { 'content-length': bytes.length };
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const call = send(url, { method, headers: { ...passed(headers), ...length }, agent: false });
    const cancel = clock.after(within, () => call.destroy(new Error(`it did not answer within ${within / 1_000} s`)));
    call.once('response', resolve);
    call.once('error', (error) =>
      reject(unavailable(`error trying to reach service "${name}": ${asError(error).message}`)),
    );
    call.once('close', cancel);
    response.once('close', () => call.destroy()); // the caller has gone
    call.end(bytes);
  });
}

const passed = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED.has(name)));

/** In Kubernetes' own words. */
const unavailable = (message: string): StatusError => new StatusError(503, 'ServiceUnavailable', message);
