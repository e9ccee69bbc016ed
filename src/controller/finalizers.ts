import type { Cancel, Clock } from '../domain/clock.ts';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Logger } from '../domain/kind.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { Resources } from '../resources/resources.ts';

const RETRY_MS = 5_000;

export interface FinalizersOptions {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the answer to a request is not waited for any more. */
  readonly signal: AbortSignal;
  /** Called when one that could not be removed is to be tried again. */
  readonly onRetry: () => void;
}

/**
 * Removes the finalizers that Kubeless' controllers put on their triggers and that nobody else would: an object that
 * carries one can be deleted by nobody. This project puts none there itself.
 */
export class Finalizers {
  readonly #options: FinalizersOptions;
  readonly #removing = new Map<string, Promise<void>>();
  #retry: Cancel | undefined;
  #isClosed = false;

  constructor(options: FinalizersOptions) {
    this.#options = options;
  }

  /**
   * Harmless for an object that is not being deleted, or does not carry the finalizer.
   * @param ended resolves when nothing runs for the trigger any more
   */
  remove(type: ResourceType, trigger: KubernetesObject, ended: () => Promise<unknown>): void {
    const { deletionTimestamp, finalizers = [], uid = '' } = trigger.metadata;
    const finalizer = finalizerOf(type);
    const isHeld = deletionTimestamp !== undefined && finalizers.includes(finalizer);
    if (!isHeld || this.#isClosed || this.#removing.has(uid)) return;
    const removing = ended()
      .then(() => this.#patch(type, trigger, finalizer))
      .finally(() => this.#removing.delete(uid));
    this.#removing.set(uid, removing);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.();
    await Promise.all(this.#removing.values());
  }

  /** With the version that was read, so that what others have written since stays. */
  async #patch(type: ResourceType, { metadata }: KubernetesObject, finalizer: string): Promise<void> {
    const { resources, clock, log, signal, onRetry } = this.#options;
    const { namespace = 'default', name, resourceVersion, finalizers = [] } = metadata;
    const left = finalizers.filter((each) => each !== finalizer);
    try {
      await resources.patch(type, namespace, name, { metadata: { resourceVersion, finalizers: left } }, { signal });
      log.info({ namespace, name, finalizer }, 'removed a finalizer of Kubeless from a trigger that was deleted');
    } catch (thrown) {
      // Another replica was faster.
      if (thrown instanceof TrigateError && thrown.code === 'NOT_FOUND') return;
      log.warn({ namespace, name, finalizer, error: asError(thrown).message }, 'a finalizer was not removed');
      if (this.#isClosed) return;
      this.#retry?.();
      this.#retry = clock.after(RETRY_MS, onRetry);
    }
  }
}

/** Kubeless writes that of its KinesisTriggers so. */
const finalizerOf = ({ singular }: ResourceType): string =>
  `kubeless.io/${singular === 'kinesistrigger' ? 'kenisistrigger' : singular}`;
