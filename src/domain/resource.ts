/** One row of the table of resource types: what the API server, the client and the command line know about it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  [other: string]: unknown;
}

/** An object of the Kubernetes-shaped API. What is not declared here is kept as it came. */
export interface KubernetesObject<Spec = unknown, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: Spec;
  status?: Status;
  [other: string]: unknown;
}

/** `metav1.Condition`. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

export const KUBELESS_GROUP = 'kubeless.io';
export const KUBELESS_VERSION = 'v1beta1';

export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** What is wrong with a manifest, and where: `path` leads to the field (`['spec', 'topic']`). */
export interface Issue {
  readonly path: readonly (string | number)[];
  /** What was found and what is allowed, without the field's name. */
  readonly message: string;
}

/** A column of `kubectl get` and of our own lists. */
export interface PrinterColumn {
  readonly name: string;
  /** Dotted path with optional condition lookup: `.spec.topic`, `.status.conditions[Ready].status`, `.metadata.creationTimestamp`. */
  readonly path: string;
  readonly type: 'string' | 'integer' | 'date';
  /** Only shown with `-o wide`. */
  readonly wide?: boolean;
}

/** A resource type as the embedded API server serves it and manifests are checked against it. */
export interface ServedType extends ResourceType {
  /** Its objects follow from others: they cannot be written. */
  readonly readOnly?: boolean;
  /** All that is wrong with the spec; empty when nothing is. */
  validate(object: KubernetesObject): readonly Issue[];
  readonly columns: readonly PrinterColumn[];
  /** What `kubectl explain` tells. Left out: only that there are a spec and a status. */
  readonly schema?: ObjectSchema;
}

/** What objects of a type are and what their fields mean, in OpenAPI 3. */
export interface ObjectSchema {
  readonly description: string;
  readonly required: readonly string[];
  /** `spec` and `status`. */
  readonly properties: Readonly<Record<string, object>>;
}

/** `kubectl get trigate` lists all that is ours. */
export const categoriesOf = ({ group }: ResourceType): readonly string[] =>
  group === KUBELESS_GROUP ? ['trigate', 'kubeless'] : [];
