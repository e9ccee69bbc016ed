import { isDeepStrictEqual } from 'node:util';
import type { Cancel, Clock } from '../domain/clock.ts';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Logger, SourceStatus, TriggerKind } from '../domain/kind.ts';
import type { Trigger, TriggerName, TriggerStatus } from '../domain/trigger.ts';
import { ResourceError } from '../resources/resource-error.ts';
import type { Resources } from '../resources/resources.ts';
import type { TriggerPlan } from './reconcile.ts';
import { conditionsOf, nextStatus } from './status.ts';

/** Changes in a row are one write. */
const GATHER_MS = 100;
/** At most one write for each trigger in this time, unless it is news, see `isNews`. */
const QUIET_MS = 5_000;
const WRITES_AT_A_TIME = 8;

export interface StatusWriterOptions {
  readonly kinds: readonly TriggerKind[];
  readonly resources: Resources;
  readonly clock: Clock;
  readonly log: Logger;
  /** What should run now. */
  readonly plans: () => readonly TriggerPlan[];
  readonly sources: (plan: TriggerPlan) => readonly SourceStatus[];
}

/**
 * Writes what people see of triggers into their status. It is for display: nothing depends on it, so a write that fails
 * is made again later, and the API server is never asked more often than it wants to be.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  /** When each trigger was last written: monotonic. */
  readonly #written = new Map<string, number>();
  #next: { readonly at: number; readonly cancel: Cancel } | undefined;
  /** No request before this: monotonic. */
  #notBefore = 0;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Something may have changed. */
  soon(): void {
    this.#within(GATHER_MS);
  }

  /** Writes nothing more; resolves when nothing is under way. Idempotent. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#next?.cancel();
    this.#next = undefined;
    return this.#writing;
  }

  #within(ms: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const now = clock.monotonic();
    const at = Math.max(now + ms, this.#notBefore);
    if (this.#next !== undefined && this.#next.at <= at) return;
    this.#next?.cancel();
    const cancel = clock.after(at - now, () => {
      this.#next = undefined;
      this.#writing = this.#writing.then(() => this.#writeAll());
    });
    this.#next = { at, cancel };
  }

  async #writeAll(): Promise<void> {
    const all = this.#options.plans();
    this.#forget(all);
    const due = all.filter((plan) => this.#isDue(plan)).values();
    const writeSome = async () => {
      for (const plan of due) {
        if (this.#isClosed) return;
        if (this.#options.clock.monotonic() < this.#notBefore) return this.#within(0);
        await this.#write(plan);
      }
    };
    await Promise.all(Array.from({ length: WRITES_AT_A_TIME }, writeSome));
  }

  /** Whether its status has to be written now; when later, that is arranged. */
  #isDue(plan: TriggerPlan): boolean {
    const stored = plan.object.status;
    const next = this.#nextOf(plan, stored);
    if (next === undefined) return false;
    const written = this.#written.get(nameOf(plan.trigger));
    const wait = written === undefined ? 0 : written + QUIET_MS - this.#options.clock.monotonic();
    if (wait <= 0 || isNews(stored, next)) return true;
    this.#within(wait);
    return false;
  }

  #nextOf(plan: TriggerPlan, stored: TriggerStatus | undefined): TriggerStatus | undefined {
    const now = new Date(this.#options.clock.now()).toISOString();
    return nextStatus(stored, plan, conditionsOf(plan, this.#options.sources(plan)), now);
  }

  async #write(plan: TriggerPlan): Promise<void> {
    const { kinds, resources, clock } = this.#options;
    const kind = kinds.find(({ name }) => name === plan.trigger.kind);
    if (kind === undefined) return;
    const { namespace, name } = plan.trigger;
    this.#written.set(nameOf(plan.trigger), clock.monotonic());
    try {
      await resources.updateStatus<Trigger>(kind.resource, namespace, name, (stored) => {
        const status = this.#nextOf(plan, stored.status);
        return status === undefined ? undefined : { ...stored, status: { ...stored.status, ...status } };
      });
    } catch (thrown) {
      this.#failed(plan, asError(thrown));
    }
  }

  #failed(plan: TriggerPlan, error: Error): void {
    const { clock, log } = this.#options;
    log.debug({ trigger: nameOf(plan.trigger), error: error.message }, 'the status was not written');
    if (error instanceof TrigateError && error.code === 'NOT_FOUND') return;
    if (error instanceof ResourceError && error.retryAfter !== undefined) {
      this.#notBefore = clock.monotonic() + error.retryAfter;
    }
    this.#within(QUIET_MS);
  }

  #forget(plans: readonly TriggerPlan[]): void {
    const names = new Set(plans.map(({ trigger }) => nameOf(trigger)));
    for (const name of this.#written.keys()) if (!names.has(name)) this.#written.delete(name);
  }
}

/** What must not wait: a condition with another status or reason, other functions, or that a person's change was seen. */
function isNews(stored: TriggerStatus | undefined, next: TriggerStatus): boolean {
  const known = new Map((stored?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  const conditions = next.conditions ?? [];
  return (
    stored?.observedGeneration !== next.observedGeneration ||
    !isDeepStrictEqual(stored?.functions, next.functions) ||
    conditions.length !== known.size ||
    conditions.some(({ type, status, reason }) => known.get(type) !== `${status} ${reason}`)
  );
}

const nameOf = ({ kind, namespace, name }: TriggerName): string => `${kind}/${namespace}/${name}`;
