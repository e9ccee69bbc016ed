import type { KubernetesObject, ResourceType } from '../domain/resource.ts';

/** A function as one of the adapters finds it: what it is called, and where it lives. */
export interface FoundFunction {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
  /** Undefined: there is nothing to call. */
  readonly location: Location | undefined;
}

export type Location =
  /** Pods behind a Service. */
  | {
      readonly type: 'service';
      readonly name: string;
      readonly port: number;
      /** Undefined: the Service has one port without a name, or its name is not known. */
      readonly portName: string | undefined;
    }
  /** Something that answers there, also while it has no pod. */
  | { readonly type: 'url'; readonly url: string }
  /** It may not be called. One sentence for people, without what a URL may carry as a password. */
  | { readonly type: 'refused'; readonly why: string };

/** One sort of objects that are functions. Another sort is another file, and a line in `cluster.ts`. */
export interface FunctionAdapter<T extends KubernetesObject> {
  readonly type: ResourceType;
  /** Only objects with these labels are asked for. */
  readonly labelSelector?: string;
  /** What it means that they cannot be read, for the log. Left out where nobody misses them. */
  readonly without?: string;
  /** Pure. Called for each object after each change, so it must be cheap. */
  find(object: T): FoundFunction;
}
