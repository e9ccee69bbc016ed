import type { KubernetesObject, ObjectPage } from '../../src/sdk.ts';
import { Change, identityOf, objectJson } from './change.ts';
import type { Walk } from './checkpoint.ts';
import { type Decision, judge, nothing, type ObjectNames } from './decision.ts';
import type { KubernetesTriggerSpec } from './spec.ts';
import { isThrough } from './version.ts';

/** The objects of the watch as they stood at a version. EXPIRED when the server has forgotten them. */
export type ListAt = (
  at: string,
  next: string | undefined,
  signal: AbortSignal,
) => Promise<ObjectPage<KubernetesObject>>;

/**
 * One trigger's way through the objects as they stood at a version, page by page: those that a new trigger begins with, or
 * those that changed while it was away. Their order is the server's, the same each time, so that a number says how far
 * it is.
 */
export class WalkHand {
  readonly #list: ListAt;
  readonly #names: ObjectNames;
  readonly #spec: KubernetesTriggerSpec;
  readonly #now: () => { readonly time: number; readonly heardAt: number };
  readonly #walk: Walk;
  #page: readonly KubernetesObject[] = [];
  /** Of the page. */
  #place = 0;
  #next: string | undefined;
  #isBegun = false;
  /** Objects of all pages so far that are decided on. */
  #done = 0;

  constructor(
    walk: Walk,
    list: ListAt,
    names: ObjectNames,
    spec: KubernetesTriggerSpec,
    now: () => { readonly time: number; readonly heardAt: number },
  ) {
    this.#walk = walk;
    this.#list = list;
    this.#names = names;
    this.#spec = spec;
    this.#now = now;
  }

  get walk(): Walk {
    return { ...this.#walk, done: Math.max(this.#walk.done, this.#done) };
  }

  /** Whether there is anything left to decide on. */
  async fill(signal: AbortSignal): Promise<boolean> {
    while (this.#place >= this.#page.length) {
      if (this.#isBegun && this.#next === undefined) return false;
      const page = await this.#list(this.#walk.at, this.#next, signal);
      this.#isBegun = true;
      this.#page = page.items;
      this.#next = page.continue;
      this.#place = Math.min(page.items.length, Math.max(0, this.#walk.done - this.#done));
      this.#done += this.#place;
    }
    return true;
  }

  /** How many of the page wait for room. */
  get waiting(): number {
    return this.#page.length - this.#place;
  }

  take(room: number): Decision {
    const decision = nothing();
    for (; this.#place < this.#page.length; this.#place++, this.#done++) {
      const object = this.#page[this.#place];
      if (object === undefined || this.#isOld(object)) continue;
      const change = this.#changeOf(object);
      const judgement = judge(change, this.#names, this.#spec);
      if (judgement === 'filtered') decision.filtered++;
      else if (judgement === 'too_large') decision.drop.push({ change, reason: 'too_large' });
      else if (decision.claim.length < room) decision.claim.push(change);
      else break;
    }
    return decision;
  }

  #isOld({ metadata }: KubernetesObject): boolean {
    const { newerThan } = this.#walk;
    return newerThan !== undefined && isThrough(metadata.resourceVersion ?? '', newerThan);
  }

  #changeOf(object: KubernetesObject): Change {
    const isNew = this.#walk.newerThan === undefined;
    return new Change({
      ...identityOf(object),
      ...this.#now(),
      verb: isNew ? 'added' : 'modified',
      origin: isNew ? 'existing' : 'collapsed',
      resourceVersion: object.metadata.resourceVersion ?? '',
      json: objectJson(object),
      oldJson: undefined,
    });
  }
}
