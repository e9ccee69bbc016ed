import { isDeepStrictEqual } from 'node:util';
import { TrigateError } from '../domain/errors.ts';
import type { StatusStore, Stored } from '../domain/kind.ts';
import type { Trigger, TriggerSpec } from '../domain/trigger.ts';
import type { Resources } from '../resources/resources.ts';
import type { Desired } from './reconcile.ts';

interface Watched {
  readonly changed: (object: Trigger) => void;
  version: string | undefined;
}

/** What kinds store in the status of trigger objects: `status.claims`, one value for each group. */
export class StatusStores {
  readonly #resources: Resources;
  /** By the uid of the trigger. */
  readonly #watched = new Map<string, Set<Watched>>();

  constructor(resources: Resources) {
    this.#resources = resources;
  }

  of(desired: Desired): StatusStore {
    const { kind, subscription } = desired;
    const { namespace, name, uid } = subscription.trigger;
    const isCurrent = currency(desired);
    const key = groupKey(desired);
    const storedIn = (object: Trigger): Stored => ({
      value: object.status?.claims?.[key],
      isCurrent: isCurrent(object),
      swap: async (value, signal) => {
        const claims = { ...object.status?.claims, [key]: value };
        const next = { ...object, status: { ...object.status, claims } };
        try {
          return storedIn(await this.#resources.replaceStatus<Trigger>(kind.resource, next, { signal }));
        } catch (thrown) {
          if (thrown instanceof TrigateError && thrown.code === 'CONFLICT') return undefined;
          throw thrown;
        }
      },
    });
    return {
      read: async (signal) => storedIn(await this.#resources.get<Trigger>(kind.resource, namespace, name, { signal })),
      onChange: (listener) => this.#watch(uid, { changed: (object) => listener(storedIn(object)), version: undefined }),
    };
  }

  /** Call it with every object that may have changed; one that has not is passed over. */
  changed(object: Trigger): void {
    const { uid = '', resourceVersion } = object.metadata;
    for (const watched of this.#watched.get(uid) ?? []) {
      if (resourceVersion === watched.version) continue;
      watched.version = resourceVersion;
      watched.changed(object);
    }
  }

  #watch(uid: string, watched: Watched): () => void {
    const ofTrigger = this.#watched.get(uid) ?? new Set();
    this.#watched.set(uid, ofTrigger.add(watched));
    return () => {
      ofTrigger.delete(watched);
      if (ofTrigger.size === 0) this.#watched.delete(uid);
    };
  }
}

const groupKey = ({ subscription: { fanout, functions } }: Desired): string =>
  fanout === 'shared' ? '*' : (functions[0] ?? '*');

/** Whether an object is the one that a subscription was opened for, and has its spec. A spec is read once for a generation. */
function currency({ kind, subscription }: Desired): (object: Trigger) => boolean {
  let known: { readonly generation: number | undefined; readonly isSame: boolean } | undefined;
  return ({ metadata, spec }) => {
    const { uid, deletionTimestamp, generation } = metadata;
    if (uid !== subscription.trigger.uid || deletionTimestamp !== undefined) return false;
    if (known === undefined || generation === undefined || generation !== known.generation) {
      const parsed = kind.spec.safeParse(spec);
      const isSame =
        parsed.success && isDeepStrictEqual(withoutSelector(parsed.data), withoutSelector(subscription.spec));
      known = { generation, isSame };
    }
    return known.isSame;
  };
}

/** Which functions a selector means is not the matter of a subscription that runs for some of them. */
const withoutSelector = (spec: TriggerSpec) => ({ ...spec, functionSelector: {} });
