import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../domain/kind.ts';
import { KUBELESS_GROUP, KUBELESS_VERSION, type KubernetesObject, type ResourceType } from '../domain/resource.ts';
import { followIfAllowed, type OptionalFollower } from '../functions/optional-follower.ts';
import type { Resources } from '../resources/resources.ts';
import { Finalizers } from './finalizers.ts';

/** Kubeless' kinds of triggers that no controller of this project runs. */
const leftoverTypes: readonly ResourceType[] = [
  kubelessType('KinesisTrigger', 'kinesistrigger'),
  kubelessType('HTTPTrigger', 'httptrigger'),
];

function kubelessType(kind: string, singular: string): ResourceType {
  const names = { kind, singular, plural: `${singular}s`, shortNames: [] };
  return { group: KUBELESS_GROUP, version: KUBELESS_VERSION, namespaced: true, ...names };
}

export interface LeftoversOptions {
  readonly resources: Resources;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Lets go of what an installation of Kubeless has left behind: when a person deletes such a trigger, nobody else removes the
 * finalizer that it carries. Where the types are not installed, or may not be read, it does nothing.
 */
export class Leftovers {
  readonly #followers: readonly OptionalFollower<KubernetesObject>[];
  readonly #finalizers: Finalizers;
  readonly #closing = new AbortController();

  constructor({ resources, namespace, clock, random, log }: LeftoversOptions) {
    const { signal } = this.#closing;
    this.#finalizers = new Finalizers({ resources, clock, log, signal, onRetry: () => this.#letGo() });
    const options = { namespace, clock, random, log, signal, onChange: () => this.#letGo() };
    this.#followers = leftoverTypes.map((type) => followIfAllowed(resources, type, options, undefined));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#finalizers.close();
    await Promise.all(this.#followers.map((follower) => follower.close()));
  }

  #letGo(): void {
    for (const [i, type] of leftoverTypes.entries()) {
      const objects = this.#followers[i]?.objects() ?? new Map<string, KubernetesObject>();
      for (const object of objects.values()) this.#finalizers.remove(type, object, async () => {});
    }
  }
}
