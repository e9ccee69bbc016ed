import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TrigateError } from '../domain/errors.ts';

export interface GuardOptions {
  /** Host names and addresses, without port, that are answered besides those of the loopback; `*` for every one. */
  readonly hosts?: readonly string[];
  /** Asked for on everything but the probes. Needed wherever others than this machine can connect. */
  readonly token?: string | undefined;
}

/** Kubernetes' probes have no token. */
const OPEN_ROUTES = new Set<string | undefined>(['/livez', '/readyz']);

/** Never sent by a web page in a way that changes something here. */
const READING_METHODS = new Set(['GET', 'HEAD']);

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Guards a whole server, also the routes of others. It has to be called before they are registered. Three checks:
 *
 * 1. **Host**: a web page whose name was rebound to 127.0.0.1 reaches us as its own origin, but under its own name.
 * 2. **Origin**: a page of another origin may send a form or a `no-cors` request; such a one may not write. No answer
 *    carries CORS headers, so nothing of ours can be read from there either.
 * 3. **Token**, if one is set.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const hosts = new Set((options.hosts ?? []).map(normalHost));
  const authorized = options.token === undefined ? () => true : tokenCheck(options.token);

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    });
    checkHost(request, hosts);
    checkOrigin(request);
    // The route that was found counts, not the path as it was written.
    const given = tokenIn(request);
    if (OPEN_ROUTES.has(request.routeOptions.url) || authorized(given)) return;
    reply.header('www-authenticate', 'Bearer');
    const problem = given === undefined ? 'This gateway asks for its token' : 'The token is not that of this gateway';
    throw new TrigateError('UNAUTHORIZED', `${problem}: send "Authorization: Bearer TOKEN".`);
  });
}

function checkHost(request: FastifyRequest, hosts: ReadonlySet<string>): void {
  const host = request.headers.host ?? '';
  const name = hostName(host);
  if (name !== undefined && (isLoopback(name) || hosts.has(name) || hosts.has('*'))) return;
  throw new TrigateError(
    'FORBIDDEN',
    `Host must be localhost or another name that this gateway was told to answer to, found ${shown(host)}.`,
  );
}

const isLoopback = (name: string): boolean => LOOPBACK.has(name) || name.endsWith('.localhost');

/** The name of a Host header, without port and in lower case; undefined when it is none. */
function hostName(host: string): string | undefined {
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name === undefined ? undefined : normalHost(name);
}

/** A bare IPv6 address gets the brackets that it has in a Host header; the dot of a full name goes. */
function normalHost(name: string): string {
  const lower = name.toLowerCase().replace(/\.$/, '');
  return lower.includes(':') && !lower.startsWith('[') ? `[${lower}]` : lower;
}

function checkOrigin(request: FastifyRequest): void {
  if (READING_METHODS.has(request.method)) return;
  const site = request.headers['sec-fetch-site'];
  // `same-site` is another port of this machine: somebody else's program.
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  const { origin, host } = request.headers;
  if (!foreignSite && (origin === undefined || isSameOrigin(origin, host ?? ''))) return;
  throw new TrigateError(
    'FORBIDDEN',
    `A web page of another origin may not write here: Origin must be that of this gateway, found ${shown(origin ?? String(site))}.`,
  );
}

/** The scheme may differ: TLS may end before us. */
function isSameOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  const own = `${protocol}//${host}`;
  return (protocol === 'http:' || protocol === 'https:') && URL.canParse(own) && new URL(own).host === originHost;
}

/** As a bearer token, or in a header of its own: Kubernetes' API server passes on no Authorization to a Service. */
function tokenIn({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-trigate-token'];
  return typeof own === 'string' ? own : /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Digests have one length, and comparing them tells nothing about how much of a guess was right. */
function tokenCheck(token: string): (given: string | undefined) => boolean {
  const wanted = hash('sha256', token, 'buffer');
  return (given) => given !== undefined && timingSafeEqual(hash('sha256', given, 'buffer'), wanted);
}

const shown = (value: string): string => JSON.stringify(value.slice(0, 100));
