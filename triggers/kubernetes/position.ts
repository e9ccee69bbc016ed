import { hash } from 'node:crypto';
import type { Change } from './change.ts';
import { before, compareVersions } from './version.ts';

/*
 * One version is not always one change. What an API server stores with a lease of etcd (Events) expires together: up to a
 * thousand deletions have one version, and they come one after the other. A watch goes on behind a version, never within
 * one. So what is kept of a version that may have more to come is which objects' changes were had, and it is asked for
 * again from before. Only a newer change, or a bookmark of a newer version, says that there is no more of it: API servers
 * send bookmarks in the middle, too.
 */

/** Everything before a version, and of its own changes all, or a part. */
export interface Position {
  readonly version: string;
  /** Marks of the objects whose changes of this version are had. Undefined: all are. */
  readonly part: ReadonlySet<string> | undefined;
}

/** Characters. */
const MARK = 12;

/** Names an object among those that change in one version: 72 bits of a hash, because many of them are stored. */
export const markOf = (uid: string): string => hash('sha256', uid, 'base64url').slice(0, MARK);

export const whole = (version: string): Position => ({ version, part: undefined });

/** Behind which version a watch goes on: what is had of the next one comes again. */
export const resumeFrom = ({ version, part }: Position): string => (part === undefined ? version : before(version));

export function has({ version, part }: Position, { facts: { resourceVersion }, mark }: Change): boolean {
  const order = compareVersions(resourceVersion, version);
  return order < 0 || (order === 0 && (part === undefined || part.has(mark)));
}

export function isSame(a: Position, b: Position): boolean {
  if (a.version !== b.version || a.part?.size !== b.part?.size) return false;
  return a.part === b.part || [...(a.part ?? [])].every((mark) => b.part?.has(mark));
}

export const copyOf = ({ version, part }: Position): Position => ({ version, part: part && new Set(part) });

/** Moves over changes as they come. The position that it tells is its own, and goes on with it: keep a copy. */
export class Standing {
  #version: string;
  #part: Set<string> | undefined;

  constructor(from: Position) {
    this.#version = from.version;
    this.#part = from.part && new Set(from.part);
  }

  get position(): Position {
    return { version: this.#version, part: this.#part };
  }

  /** What a list has told has a version for all that was deleted, which no watch knows: it lies in a recorded gap. */
  pass({ facts: { resourceVersion, origin }, mark }: Change): void {
    if (origin !== 'watched') this.#part = undefined;
    else if (resourceVersion !== this.#version) this.#part = new Set([mark]);
    else this.#part?.add(mark);
    this.#version = resourceVersion;
  }
}

export const writePart = (part: ReadonlySet<string>): string => [...part].join('');

export const readPart = (text: string): ReadonlySet<string> =>
  new Set(Array.from({ length: text.length / MARK }, (_, i) => text.slice(i * MARK, (i + 1) * MARK)));

/** As it is stored. */
export const partPattern = new RegExp(`^([\\w-]{${MARK}})*$`);
