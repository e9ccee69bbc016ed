import type { KubernetesObject } from '../../src/sdk.ts';
import { type ChangeFacts, identityOf, objectJson } from './change.ts';
import type { KnownObjects } from './known-objects.ts';
import type { Verb } from './spec.ts';
import { compareVersions, isThrough } from './version.ts';

export interface RelistOptions {
  /** What was known before; afterwards what is known now. */
  readonly known: KnownObjects;
  /** Where versions can be compared: the last one that was read. */
  readonly newerThan: string | undefined;
  /** When that was: milliseconds since the epoch. */
  readonly since: number;
  /** Changes that are kept, at most: the newest. */
  readonly most: number;
}

type Found = Omit<ChangeFacts, 'time' | 'heardAt'>;

/**
 * What a list of all objects tells about changes that nobody told of. Where every object was known before: what is new, what
 * has another version, what is missing. Else, where versions can be compared: what is newer. Else nothing.
 */
export class Relist {
  readonly #options: RelistOptions;
  /** Takes the place of what was known when the list is at its end: one that breaks off has told nothing. */
  readonly #fresh: KnownObjects;
  readonly #seen = new Set<string>();
  /** By uid. */
  #found = new Map<string, Found>();

  constructor(options: RelistOptions) {
    this.#options = options;
    this.#fresh = options.known.fresh();
  }

  /** Also again: a list that is streamed goes with the time. */
  see(object: KubernetesObject): void {
    const { known, most } = this.#options;
    const identity = identityOf(object);
    const before = known.get(identity.uid);
    const resourceVersion = object.metadata.resourceVersion ?? '';
    this.#seen.add(identity.uid);
    const verb = known.isComplete ? verbOf(before, resourceVersion) : this.#verbByVersion(object, resourceVersion);
    const json = verb === undefined && !known.keepsContent ? '' : objectJson(object);
    this.#fresh.put(identity, resourceVersion, json);
    if (verb === undefined) return;
    const found: Found = { ...identity, verb, origin: 'collapsed', resourceVersion, json, oldJson: before?.json };
    this.#found.set(identity.uid, found);
    if (this.#found.size >= 2 * most) this.#found = new Map(this.#newest().map((each) => [each.uid, each]));
  }

  /** Lets go of what it holds; when it has ended that is nothing. */
  drop(): void {
    this.#fresh.clear();
  }

  /** It was deleted while the list was under way. */
  gone(uid: string): void {
    this.#seen.delete(uid);
    this.#fresh.remove(uid);
    this.#found.delete(uid);
  }

  /**
   * What was found, in the order of the versions.
   * @param version of the list: that of objects that are gone, because their own is not known
   */
  end(version: string): readonly Found[] {
    const { known } = this.#options;
    const gone = known.isComplete ? [...known.all()].filter(({ uid }) => !this.#seen.has(uid)) : [];
    this.#fresh.completed();
    known.become(this.#fresh);
    const deleted = gone.map(
      ({ uid, namespace, name, json }): Found => ({
        uid,
        namespace,
        name,
        verb: 'deleted',
        origin: 'collapsed',
        resourceVersion: version,
        json,
        oldJson: json,
      }),
    );
    return [...this.#newest(), ...deleted];
  }

  #verbByVersion({ metadata }: KubernetesObject, resourceVersion: string): Verb | undefined {
    const { newerThan, since } = this.#options;
    if (newerThan === undefined || isThrough(resourceVersion, newerThan)) return undefined;
    // By the clocks of two machines: the versions do not tell.
    return since > 0 && Date.parse(metadata.creationTimestamp ?? '') > since ? 'added' : 'modified';
  }

  #newest(): Found[] {
    const inOrder = [...this.#found.values()].sort((a, b) => compareVersions(a.resourceVersion, b.resourceVersion));
    return inOrder.slice(-this.#options.most);
  }
}

function verbOf(before: { readonly resourceVersion: string } | undefined, resourceVersion: string): Verb | undefined {
  if (before === undefined) return 'added';
  return before.resourceVersion === resourceVersion ? undefined : 'modified';
}
