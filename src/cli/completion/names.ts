import type { ResourceType } from '../../domain/resource.ts';

/** What may stand in a place. */
export type Names =
  /** `isList`: several of them with commas between. */
  { readonly type: 'names'; readonly names: readonly string[]; readonly isList?: boolean } | { readonly type: 'files' };

/** Flags that were typed before: of them depends whom to ask. */
export type TypedFlags = Readonly<Record<string, string>>;

/** Names that a server, or a kubeconfig, knows. Each is empty when nobody answers in time. */
export interface Lookup {
  objects(type: ResourceType, flags: TypedFlags): Promise<readonly string[]>;
  /** Labels of functions, as `key=value`. */
  labels(flags: TypedFlags): Promise<readonly string[]>;
  topics(flags: TypedFlags): Promise<readonly string[]>;
  namespaces(flags: TypedFlags): Promise<readonly string[]>;
  contexts(flags: TypedFlags): Promise<readonly string[]>;
}
