import type { Budget } from './backlog.ts';
import type { Identity } from './change.ts';

interface Known extends Identity {
  resourceVersion: string;
  json: string | undefined;
}

export interface KnownObjectsOptions {
  /** Objects; with more of them none is known any more. */
  readonly most: number;
  /** Bytes of contents; of those that changed longest ago it is forgotten. */
  readonly mostBytes: number;
  /** Of contents, for all watches of the process: what comes when it is used up is not kept. */
  readonly budget: Budget;
}

/**
 * The objects of a watch as they were last seen: which there are, at which version and, when somebody asks what changed,
 * what is in them. It is what a list is compared with when the server has forgotten what happened since.
 */
export class KnownObjects {
  readonly #options: KnownObjectsOptions;
  #objects = new Map<string, Known>();
  #bytes = 0;
  #isTooMuch = false;
  #isComplete = false;
  /** Whether contents are kept. */
  keepsContent = false;

  constructor(options: KnownObjectsOptions) {
    this.#options = options;
  }

  /** Whether every object is known: only then what is missing in a list was deleted. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** All that there are have been put. */
  completed(): void {
    this.#isComplete = !this.#isTooMuch;
  }

  clear(): void {
    this.#count(-this.#bytes);
    this.#objects = new Map();
    this.#isTooMuch = false;
    this.#isComplete = false;
  }

  /** One of the same size that knows nothing. */
  fresh(): KnownObjects {
    const fresh = new KnownObjects(this.#options);
    fresh.keepsContent = this.keepsContent;
    return fresh;
  }

  /** Knows from now on what the other one does, which is not to be used any more. */
  become(other: KnownObjects): void {
    this.#count(-this.#bytes);
    this.#objects = other.#objects;
    this.#bytes = other.#bytes;
    this.#isTooMuch = other.#isTooMuch;
    this.#isComplete = other.#isComplete;
    other.#objects = new Map();
    other.#bytes = 0;
  }

  get(uid: string): Readonly<Known> | undefined {
    return this.#objects.get(uid);
  }

  all(): Iterable<Readonly<Known>> {
    return this.#objects.values();
  }

  put(identity: Identity, resourceVersion: string, json: string | undefined): void {
    this.remove(identity.uid);
    if (this.#objects.size >= this.#options.most) {
      this.clear();
      this.#isTooMuch = true;
    }
    if (this.#isTooMuch) return;
    const kept = this.keepsContent && !this.#options.budget.isExceeded ? json : undefined;
    this.#objects.set(identity.uid, { ...identity, resourceVersion, json: kept });
    if (kept === undefined) return;
    this.#count(2 * kept.length);
    if (this.#bytes > this.#options.mostBytes) this.#forgetContent();
  }

  remove(uid: string): void {
    const known = this.#objects.get(uid);
    if (known === undefined) return;
    this.#count(-2 * (known.json?.length ?? 0));
    this.#objects.delete(uid);
  }

  /** In the order of their last change; a tenth at once, because looking for the first is not free. */
  #forgetContent(): void {
    for (const known of this.#objects.values()) {
      if (this.#bytes <= 0.9 * this.#options.mostBytes) return;
      this.#count(-2 * (known.json?.length ?? 0));
      known.json = undefined;
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.budget.add(bytes);
  }
}
