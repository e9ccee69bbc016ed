import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { PodLogOptions, ServiceAddress, ServiceAnswer, ServiceCall } from './proxy.ts';
import type { WatchEvent } from './watch-events.ts';

/** Which objects of a type. Without a namespace: all namespaces. */
export interface Scope {
  readonly namespace?: string | undefined;
  /** The text form, see `selectorQuery`. */
  readonly labelSelector?: string | undefined;
  /** `metadata.name=orders` */
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Scope {
  readonly limit?: number | undefined;
  /** The objects exactly as they stood at this version. EXPIRED when the server has forgotten it. Default: now. */
  readonly at?: string | undefined;
  /** `continue` of the page before. */
  readonly continue?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WatchOptions extends Scope {
  /** Events after this version. Without one the server sends what exists first. */
  readonly resourceVersion?: string | undefined;
  /**
   * A streaming list (KEP-3157): without a version, all that exists is told as ADDED, in a state not older than now, and a
   * bookmark with `endsInitial` comes behind it. Servers that cannot do it answer 400 or 422.
   */
  readonly sendInitialEvents?: boolean | undefined;
  /** After which the server ends the watch by itself. */
  readonly timeoutSeconds?: number | undefined;
  readonly signal: AbortSignal;
}

export interface ObjectPage<T extends KubernetesObject> {
  readonly items: readonly T[];
  /** Where to watch on from. */
  readonly resourceVersion: string;
  /** Undefined on the last page. */
  readonly continue: string | undefined;
}

/** A resource type as a server tells of it. */
export interface DiscoveredType extends ResourceType {
  readonly verbs: readonly string[];
}

/** `/version`: what a server says of itself. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  /** `v1.35.0` */
  readonly text: string;
}

export interface WriteOptions {
  /** The server checks and answers as if, and stores nothing. */
  readonly dryRun?: boolean;
  /** Gives the request up: then nobody can say whether it was carried out. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The one client of the Kubernetes-shaped API: a cluster's server, or the one that a standalone gateway embeds.
 *
 * Every method rejects with a TrigateError: what the server refused as ResourceError with the server's own sentence
 * (NOT_FOUND, ALREADY_EXISTS, CONFLICT, EXPIRED, INVALID_MANIFEST, UNAUTHORIZED, FORBIDDEN, …), what never got an
 * answer as GATEWAY_UNREACHABLE naming the URL. Nothing is retried, except in `updateStatus`.
 */
export interface Resources {
  list<T extends KubernetesObject>(type: ResourceType, options?: ListOptions): Promise<ObjectPage<T>>;
  /** @param namespace undefined for a type that has none */
  get<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<T>;
  create<T extends KubernetesObject>(type: ResourceType, object: T, options?: WriteOptions): Promise<T>;
  /** Compare-and-swap by `metadata.resourceVersion`: CONFLICT when somebody else wrote in between. */
  replace<T extends KubernetesObject>(type: ResourceType, object: T, options?: WriteOptions): Promise<T>;
  /** The same for `status` alone; the rest of the object stays as it is stored. */
  replaceStatus<T extends KubernetesObject>(type: ResourceType, object: T, options?: WriteOptions): Promise<T>;
  /** A JSON merge patch (RFC 7386): null removes a field. */
  patch<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    patch: object,
    options?: WriteOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  delete(type: ResourceType, namespace: string | undefined, name: string, options?: WriteOptions): Promise<void>;
  /**
   * One watch, raw: resolves when the server has accepted it, ends when the server ends it. `follow` is the loop around it.
   */
  watch<T extends KubernetesObject>(type: ResourceType, options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>>;
  /**
   * Reads, changes and writes the status until no other writer came in between.
   * @param change gives the object with its new status, or undefined to leave it; called again after each conflict
   * @returns what is stored then
   */
  updateStatus<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    change: (object: T) => T | undefined,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<T>;
  /**
   * The types that the server has in a group and version (`v1`, `apps/v1`), without subresources. NOT_FOUND when it has
   * no such group.
   */
  discover(apiVersion: string): Promise<readonly DiscoveredType[]>;
  /** The groups that the server has, each with the version that it prefers: `v1`, `apps/v1`. The core group is the first. */
  apiVersions(): Promise<readonly string[]>;
  version(): Promise<ServerVersion>;
  /** A request to a Service, through the API server. Resolves with whatever the Service answers, errors included. */
  callService(service: ServiceAddress, call: ServiceCall): Promise<ServiceAnswer>;
  /** What a Pod prints. */
  podLog(namespace: string, name: string, options?: PodLogOptions): Promise<AsyncIterable<Uint8Array>>;
  /** Ends the connections that this client made. Idempotent. */
  close(): Promise<void>;
}
