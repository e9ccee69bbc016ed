import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { TrigateError } from '../../domain/errors.ts';
import type { Logger } from '../../domain/kind.ts';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { readAccept } from './accept.ts';
import { type ApiRequest, createAnswers, show } from './answers.ts';
import { BODY_LIMIT, readBody } from './body.ts';
import { coreTypes } from './core-types.ts';
import { discoveryDocuments, versionDocument } from './discovery.ts';
import type { ObjectStore } from './object-store.ts';
import { openapiDocuments } from './openapi.ts';
import { readQuery } from './query.ts';
import { methodNotAllowed, StatusError, unknownPath } from './status.ts';
import { parseTarget } from './target.ts';
import { createVerbs, DEFAULT_NAMESPACE } from './verbs.ts';
import { type View, withViews } from './views.ts';
import { beginWatch, runWatch, type WatchOptions } from './watch.ts';

export interface EmbeddedApiOptions {
  readonly store: ObjectStore;
  /** The custom resources; namespaces, config maps and secrets are served beside them. */
  readonly types: readonly ServedType[];
  /** What follows from the stored objects, and can only be read. */
  readonly views?: readonly View[];
  /** Routes beside those of objects: the proxy of a Service, the log of a Pod. Their refusals are answered like the others. */
  readonly routes?: FastifyPluginAsync;
  readonly clock?: Clock;
  /** Hears of failures that are nobody's fault but ours. Default: nobody does. */
  readonly log?: Pick<Logger, 'error'>;
}

/**
 * The Kubernetes-shaped API over an object store, as a Fastify plugin: `/api`, `/apis`, `/version`, `/openapi`. All
 * refusals are `Status` documents. Watches end when the server closes.
 *
 * It lets everybody in: who may call is for the server that it is registered on.
 */
export function embeddedApi(options: EmbeddedApiOptions): FastifyPluginAsync {
  const { types, views = [], routes, clock = systemClock, log } = options;
  const store = withViews(options.store, views);
  const served = [...coreTypes, ...types, ...views.map(({ type }) => type)];
  const verbs = createVerbs(store, clock);
  const answer = createAnswers(store, verbs, clock);
  const documents = new Map([
    ...discoveryDocuments(served),
    ...openapiDocuments([...coreTypes, ...types]),
    ['/version', versionDocument] as const,
  ]);
  const watches = new Set<() => void>();

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const path = (request.raw.url ?? '').split('?', 1).join('');
    const wanted = readAccept(request.headers.accept);
    const document = documents.get(path.replace(/\/$/, ''));
    if (document) return reply.send(onlyRead(request.method, path, document));
    const target = parseTarget(path, served);
    if (target === undefined) throw unknownPath(path);
    const query = readQuery(request.query);
    const body = readBody(request.body, request.headers['content-type']);
    const call: ApiRequest = { method: request.method, path, target, query, wanted, body };
    if (call.method === 'GET' && target.type === 'collection' && query.watch) return watch(call, target, reply);
    const { code, document: found } = await (isRead(call.method) ? answer(call) : store.transact(() => answer(call)));
    return reply.code(code).send(found);
  }

  function watch(call: ApiRequest, target: ApiRequest['target'] & { type: 'collection' }, reply: FastifyReply) {
    const { resource: type, namespace } = target;
    const render = (object: KubernetesObject) => show(call, object, clock);
    const options: WatchOptions = { store, clock, type, namespace, query: call.query, render };
    const start = beginWatch(options);
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    // Without keep-alive a connection does not outlive its watch and hold up the server's close.
    reply.raw.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' });
    reply.raw.flushHeaders();
    const end = runWatch(options, start, reply.raw);
    watches.add(end);
    reply.raw.once('close', () => watches.delete(end));
    return reply;
  }

  return async (scope) => {
    await store.transact(() => verbs.ensureNamespace(DEFAULT_NAMESPACE));
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, bytes, done) =>
      done(null, bytes),
    );
    scope.setErrorHandler<FastifyError | StatusError | TrigateError>((error, request, reply) => {
      const { body } = asStatus(error);
      if (body.code >= 500) log?.error({ err: error, method: request.method }, 'the resource API failed');
      return reply.code(body.code).send(body);
    });
    if (routes) await scope.register(routes);
    for (const path of ['/version', '/api', '/api/*', '/apis', '/apis/*', '/openapi/*']) scope.all(path, handle);
    scope.addHook('preClose', (done) => {
      for (const end of [...watches]) end();
      done();
    });
  };
}

function onlyRead(method: string, path: string, document: object): object {
  if (isRead(method)) return document;
  throw methodNotAllowed(method, path);
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** Refusals of Fastify itself, and mistakes of ours: those say nothing of what they met. */
function asStatus(error: FastifyError | StatusError | TrigateError): StatusError {
  if (error instanceof StatusError) return error;
  // The guard of the server that this is registered on.
  if (error instanceof TrigateError) return new StatusError(error.status, reasonOf(error), error.message);
  switch (error.statusCode) {
    case 413:
      return new StatusError(
        413,
        'RequestEntityTooLarge',
        `the body of the request is larger than ${BODY_LIMIT} bytes`,
      );
    case 415:
      return new StatusError(415, 'UnsupportedMediaType', 'the media type of the body is not one that is accepted');
    case 400:
      return new StatusError(400, 'BadRequest', error.message);
    default:
      return new StatusError(500, 'InternalError', 'an internal error occurred; see the log of the gateway');
  }
}

function reasonOf({ status }: TrigateError): string {
  if (status === 401) return 'Unauthorized';
  return status === 403 ? 'Forbidden' : 'InternalError';
}
