import { isDeepStrictEqual } from 'node:util';
import { TrigateError } from '../domain/errors.ts';
import type { StatusStore, Stored } from '../domain/kind.ts';
import type { Trigger, TriggerSpec } from '../domain/trigger.ts';
import type { Resources } from '../resources/resources.ts';
import type { Desired } from './reconcile.ts';

interface Watched {
  readonly desired: Desired;
  readonly listener: (stored: Stored) => void;
  version: string | undefined;
}

/** What kinds store in the status of trigger objects: `status.claims`, one value for each group. */
export class StatusStores {
  readonly #resources: Resources;
  readonly #watched = new Set<Watched>();

  constructor(resources: Resources) {
    this.#resources = resources;
  }

  of(desired: Desired): StatusStore {
    const { kind, subscription } = desired;
    const { namespace, name } = subscription.trigger;
    return {
      read: async () => this.#stored(desired, await this.#resources.get<Trigger>(kind.resource, namespace, name)),
      onChange: (listener) => {
        const watched: Watched = { desired, listener, version: undefined };
        this.#watched.add(watched);
        return () => this.#watched.delete(watched);
      },
    };
  }

  /** Call it with every object that may have changed; one that has not is passed over. */
  changed(object: Trigger): void {
    for (const watched of this.#watched) {
      const { trigger } = watched.desired.subscription;
      const { uid, resourceVersion } = object.metadata;
      if (uid !== trigger.uid || resourceVersion === watched.version) continue;
      watched.version = resourceVersion;
      watched.listener(this.#stored(watched.desired, object));
    }
  }

  #stored(desired: Desired, object: Trigger): Stored {
    const key = groupKey(desired);
    return {
      value: object.status?.claims?.[key],
      isCurrent: isCurrent(desired, object),
      swap: async (value) => {
        const claims = { ...object.status?.claims, [key]: value };
        const next = { ...object, status: { ...object.status, claims } };
        try {
          return this.#stored(desired, await this.#resources.replaceStatus<Trigger>(desired.kind.resource, next));
        } catch (thrown) {
          if (thrown instanceof TrigateError && thrown.code === 'CONFLICT') return undefined;
          throw thrown;
        }
      },
    };
  }
}

const groupKey = ({ subscription: { fanout, functions } }: Desired): string =>
  fanout === 'shared' ? '*' : (functions[0] ?? '*');

function isCurrent({ kind, subscription }: Desired, { metadata, spec }: Trigger): boolean {
  if (metadata.uid !== subscription.trigger.uid || metadata.deletionTimestamp !== undefined) return false;
  const parsed = kind.spec.safeParse(spec);
  return parsed.success && isDeepStrictEqual(withoutSelector(parsed.data), withoutSelector(subscription.spec));
}

/** Which functions a selector means is not the matter of a subscription that runs for some of them. */
const withoutSelector = (spec: TriggerSpec) => ({ ...spec, functionSelector: {} });
