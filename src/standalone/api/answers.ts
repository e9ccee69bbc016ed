import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import type { Wanted } from './accept.ts';
import type { RequestBody } from './body.ts';
import { hasStatus, isHeld } from './lifecycle.ts';
import { asList, listPage, type Page } from './listing.ts';
import type { ObjectStore } from './object-store.ts';
import { applyPatch } from './patch.ts';
import type { Query } from './query.ts';
import { badRequest, methodNotAllowed, success, unknownPath } from './status.ts';
import { renderTable } from './table.ts';
import type { Target } from './target.ts';
import type { Preconditions, Verbs } from './verbs.ts';

/** A request as far as it has been understood. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly target: Target;
  readonly query: Query;
  readonly wanted: Wanted;
  readonly body: RequestBody;
}

export interface Answer {
  readonly code: number;
  readonly document: object;
}

/** Answers everything but watches. All throw StatusError. */
export function createAnswers(store: ObjectStore, verbs: Verbs, clock: Clock): (request: ApiRequest) => Answer {
  function one(request: ApiRequest, object: KubernetesObject, code = 200): Answer {
    return { code, document: show(request, object, clock) };
  }

  function collection(request: ApiRequest, target: Target & { type: 'collection' }): Answer {
    const { resource, namespace } = target;
    const { query, wanted } = request;
    const list = () => listPage(store, resource, namespace, query);
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return {
          code: 200,
          document: wanted.type === 'table' ? tableOf(request, list(), clock) : asList(resource, list()),
        };
      case 'POST':
        // Where an object of a namespace goes is said by the path.
        if (resource.namespaced && namespace === undefined) break;
        return one(request, verbs.create(resource, namespace ?? '', documentOf(request), query), 201);
      case 'DELETE': {
        const options = deleteOptions(request);
        const page = list();
        const items = page.items.map((object) => {
          const { name, namespace = '' } = object.metadata;
          return verbs.remove({ type: resource, namespace, name }, {}, options);
        });
        return { code: 200, document: asList(resource, { ...page, items }) };
      }
      default:
    }
    throw methodNotAllowed(request.method, request.path);
  }

  function object(request: ApiRequest, target: Target & { type: 'object' }): Answer {
    const { resource: type, namespace, name, subresource } = target;
    const place = { type, namespace, name };
    const { dryRun, fieldValidation } = request.query;
    const options = { dryRun, fieldValidation, subresource };
    if (subresource && !hasStatus(type)) throw unknownPath(request.path);
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return one(request, verbs.get(place));
      case 'PUT': {
        const document = documentOf(request);
        return one(
          request,
          verbs.update(place, () => document, options),
        );
      }
      case 'PATCH': {
        const { mediaType, document } = request.body;
        return one(
          request,
          verbs.update(place, (current) => applyPatch(type, mediaType, current, document), options),
        );
      }
      case 'DELETE': {
        if (subresource) break;
        const { preconditions, ...options } = deleteOptions(request);
        const left = verbs.remove(place, preconditions, options);
        if (isHeld(left)) return one(request, left);
        const { uid } = left.metadata;
        return { code: 200, document: success({ name, group: type.group, kind: type.plural, ...(uid && { uid }) }) };
      }
      default:
    }
    throw methodNotAllowed(request.method, request.path);
  }

  return (request) => {
    const { method, path, target } = request;
    if (target.resource.readOnly && method !== 'GET' && method !== 'HEAD') throw methodNotAllowed(method, path);
    return target.type === 'collection' ? collection(request, target) : object(request, target);
  };
}

/** An object in the form that the client asked for. */
export function show(
  { target, query, wanted }: Omit<ApiRequest, 'body'>,
  object: KubernetesObject,
  clock: Clock,
): object {
  if (wanted.type === 'object') return object;
  const { resourceVersion } = object.metadata;
  const rows = object.metadata.name === '' ? [] : [object];
  return renderTable(rows, {
    apiVersion: wanted.apiVersion,
    type: target.resource,
    includeObject: query.includeObject,
    now: clock.now(),
    metadata: { resourceVersion },
  });
}

function tableOf({ target, query, wanted }: ApiRequest, { items, metadata }: Page, clock: Clock): object {
  const apiVersion = wanted.type === 'table' ? wanted.apiVersion : 'meta.k8s.io/v1';
  const { includeObject } = query;
  return renderTable(items, { apiVersion, type: target.resource, includeObject, now: clock.now(), metadata });
}

function documentOf({ body }: ApiRequest): unknown {
  if (body.document === undefined) throw badRequest('the request needs a body: the object as JSON or YAML');
  return body.document;
}

const deletion = z.looseObject({
  preconditions: z.object({ uid: z.string().optional(), resourceVersion: z.string().optional() }).nullish(),
  dryRun: z.array(z.literal('All')).nullish(),
});

function deleteOptions({ body, query }: ApiRequest): { dryRun: boolean; preconditions: Preconditions } {
  const parsed = deletion.safeParse(body.document ?? {});
  if (!parsed.success) throw badRequest('the body of a DELETE must be DeleteOptions, or empty');
  const { preconditions, dryRun } = parsed.data;
  return { dryRun: query.dryRun || (dryRun?.length ?? 0) > 0, preconditions: preconditions ?? {} };
}
