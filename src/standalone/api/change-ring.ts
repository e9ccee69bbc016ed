import type { KubernetesObject } from '../../domain/resource.ts';

/** One write of the store. Every write has its own version, the next after the one before. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** `functions.kubeless.io` */
  readonly resource: string;
  readonly version: number;
  /** As it is now; the last state when it was deleted. */
  readonly object: KubernetesObject;
  readonly previous: KubernetesObject | undefined;
}

/** The last changes, in memory: what a watch can resume from. Older ones are forgotten; `change-history.ts` keeps them on the disk. */
export interface ChangeRing {
  push(change: Change, bytes: number): void;
  /** Changes after `version`, oldest first; undefined when some of them are forgotten. */
  since(version: number): Change[] | undefined;
  /** The oldest version that `since` still answers for. */
  readonly oldest: number;
}

/**
 * @param start version of the store when it was opened: what was before it is not known
 * @param limits how many changes, and how many bytes of objects, are kept
 */
export function createChangeRing(start: number, limits: { changes: number; bytes: number }): ChangeRing {
  // By version: versions have no gaps, so the ring is a window of numbers.
  const changes = new Map<number, { change: Change; bytes: number }>();
  let oldest = start;
  let newest = start;
  let total = 0;

  function forgetOldest(): void {
    oldest++;
    total -= changes.get(oldest)?.bytes ?? 0;
    changes.delete(oldest);
  }

  return {
    push(change, bytes) {
      newest = change.version;
      changes.set(newest, { change, bytes });
      total += bytes;
      while (changes.size > limits.changes || (total > limits.bytes && changes.size > 1)) forgetOldest();
    },
    since(version) {
      if (version < oldest) return undefined;
      const found: Change[] = [];
      for (let v = version + 1; v <= newest; v++) {
        const entry = changes.get(v);
        if (entry) found.push(entry.change);
      }
      return found;
    },
    get oldest() {
      return oldest;
    },
  };
}
