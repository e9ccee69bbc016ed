import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../../src/sdk.ts';
import { valueAt } from './pointer.ts';
import { markOf } from './position.ts';
import type { KubernetesTriggerSpec, Verb } from './spec.ts';

/**
 * How a change came to be known.
 *
 *   watched     the server told of it
 *   collapsed   found by comparing a list with what was known before: it may stand for several changes
 *   existing    not a change: an object that a new trigger begins with
 */
export type Origin = 'watched' | 'collapsed' | 'existing';

/** What is known of an object beside its content. */
export interface Identity {
  readonly uid: string;
  /** Empty for one without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

export interface ChangeFacts extends Identity {
  readonly verb: Verb;
  readonly resourceVersion: string;
  readonly origin: Origin;
  /** The object as JSON, see `objectJson`. Undefined: it is gone and its content was not kept, or it has no text. */
  readonly json: string | undefined;
  /** What it was before. Undefined: there was nothing, or it was not kept. */
  readonly oldJson: string | undefined;
  /** When we heard of it: milliseconds since the epoch, and monotonic. */
  readonly time: number;
  readonly heardAt: number;
}

type Reading = Pick<KubernetesTriggerSpec, 'mode' | 'changed'>;

/** A change of an object, shared by all triggers that it concerns. What they ask of it is worked out once. */
export class Change {
  readonly facts: ChangeFacts;
  readonly #changed = new Map<string, readonly string[] | undefined>();
  readonly #bodies = new Map<string, Uint8Array>();
  #mark: string | undefined;

  constructor(facts: ChangeFacts) {
    this.facts = facts;
  }

  /** Of its object, see `Position`. */
  get mark(): string {
    this.#mark ??= markOf(this.facts.uid);
    return this.#mark;
  }

  /** What it takes in memory, about: bytes. */
  get size(): number {
    return 512 + 2 * (this.facts.json?.length ?? 0) + 2 * (this.facts.oldJson?.length ?? 0);
  }

  /** Those of the pointers that lead to another value than before; undefined where that is not known. */
  changed(pointers: readonly string[]): readonly string[] | undefined {
    const key = pointers.join(' ');
    if (this.#changed.has(key)) return this.#changed.get(key);
    const { json, oldJson } = this.facts;
    const found =
      json === undefined || oldJson === undefined
        ? undefined
        : differing(JSON.parse(oldJson), JSON.parse(json), pointers);
    this.#changed.set(key, found);
    return found;
  }

  /**
   * Whether a trigger wants it. What `changed` asks counts for modifications; where the old object is not known, nobody
   * can say that nothing changed.
   */
  isWanted({ events, changed }: Pick<KubernetesTriggerSpec, 'events' | 'changed'>): boolean {
    if (!events.includes(this.facts.verb)) return false;
    return changed.length === 0 || this.facts.verb !== 'modified' || this.changed(changed)?.length !== 0;
  }

  /** What the function gets. */
  body(type: { readonly apiVersion: string; readonly kind: string }, reading: Reading): Uint8Array {
    const key = reading.mode === 'envelope' ? `envelope ${reading.changed.join(' ')}` : reading.mode;
    const known = this.#bodies.get(key);
    if (known !== undefined) return known;
    const body = Buffer.from(this.#text(type, reading));
    this.#bodies.set(key, body);
    return body;
  }

  #text(type: { readonly apiVersion: string; readonly kind: string }, { mode, changed }: Reading): string {
    const { uid, namespace, name, resourceVersion, json, oldJson, verb } = this.facts;
    const metadata = { name, ...(namespace !== '' && { namespace }), uid, resourceVersion };
    const reference = () => JSON.stringify({ apiVersion: type.apiVersion, kind: type.kind, metadata });
    switch (mode) {
      case 'object':
        return json ?? reference();
      case 'reference':
        return reference();
      case 'envelope': {
        const found = verb === 'modified' && changed.length > 0 ? this.changed(changed) : undefined;
        const ofChanged = found === undefined ? '' : `,"changed":${JSON.stringify(found)}`;
        return `{"type":"${verb.toUpperCase()}","object":${json ?? reference()},"oldObject":${oldJson ?? null}${ofChanged}}`;
      }
      default:
        return mode satisfies never;
    }
  }
}

/** Undefined where values are nested too deeply to be compared: some hundred levels. */
function differing(before: unknown, after: unknown, pointers: readonly string[]): string[] | undefined {
  try {
    return pointers.filter((pointer) => !isDeepStrictEqual(valueAt(before, pointer), valueAt(after, pointer)));
  } catch {
    return undefined;
  }
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The object without what tools keep for themselves: who manages which field, and the manifest that was applied last.
 * Undefined for one that is nested too deeply to be written: an API server takes 10,000 levels, `stringify` half of them.
 */
export function objectJson(object: KubernetesObject): string | undefined {
  const { managedFields, annotations, ...metadata } = object.metadata;
  const { [LAST_APPLIED]: _, ...others } = annotations ?? {};
  const left = Object.keys(others).length > 0 && { annotations: others };
  try {
    return JSON.stringify({ ...object, metadata: { ...metadata, ...left } });
  } catch {
    return undefined;
  }
}

export const identityOf = ({ metadata }: KubernetesObject): Identity => ({
  uid: metadata.uid ?? '',
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});
