import { isDeepStrictEqual } from 'node:util';
import type { Cancel, Clock, Deadline } from '../domain/clock.ts';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Logger, TriggerKind } from '../domain/kind.ts';
import type { ResourceType } from '../domain/resource.ts';
import { type ShownProgress, type Trigger, type TriggerStatus, triggerKey } from '../domain/trigger.ts';
import { ResourceError } from '../resources/resource-error.ts';
import { Agenda } from './agenda.ts';
import { Budget } from './budget.ts';
import type { TriggerPlan } from './reconcile.ts';
import { isNews, Said } from './said.ts';
import { sumShown } from './shown-progress.ts';
import { conditionsOf, isOpening, nextStatus, type SubscriptionState } from './status.ts';
import { type Tallies, withTally } from './tallies.ts';

/** Changes in a row are one write. */
const GATHER_MS = 100;
/** At most one write for each trigger in this time, unless it is news, see `isNews`. */
const QUIET_MS = 5_000;
/** For each trigger so much news at once, then one in half a minute: a broker that comes and goes is told no faster. */
const NEWS = { burst: 10, refillMs: 30_000 };
/** Counts alone are not worth a write more often. */
const COUNTS_MS = 30_000;
const WRITES_AT_A_TIME = 8;

/** The part of `Resources` that is needed here, of triggers. */
export interface TriggerStatuses {
  updateStatus(
    type: ResourceType,
    namespace: string,
    name: string,
    change: (trigger: Trigger) => Trigger | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<Trigger>;
}

export interface StatusWriterOptions {
  readonly kinds: readonly TriggerKind[];
  readonly resources: TriggerStatuses;
  readonly clock: Clock;
  readonly log: Logger;
  /** What should run now of a trigger, by its `triggerKey`. */
  readonly planOf: (key: string) => TriggerPlan | undefined;
  readonly running: (plan: TriggerPlan) => readonly SubscriptionState[];
  /** What became of copies. It is written along, and by itself now and then. */
  readonly tallies?: Tallies | undefined;
  /** Called with what was stored before and is stored now. */
  readonly onWritten?: (plan: TriggerPlan, before: TriggerStatus | undefined, after: TriggerStatus) => void;
}

/**
 * Writes what people see of triggers into their status. It is for display: nothing depends on it, so a write that fails
 * is made again later, and the API server is never asked more often than it wants to be.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  /** When each trigger was last written: monotonic. */
  readonly #written = new Map<string, number>();
  /** A replica that sees something else is not contradicted for ever. */
  readonly #said = new Said();
  /** Triggers by their keys: those that may have to be written. With thousands of them no one else is looked at. */
  readonly #agenda = new Agenda();
  #next: { readonly at: number; readonly cancel: Cancel } | undefined;
  #isLooking = false;
  /** Monotonic: when it last looked at what is on the agenda. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** No request before this: monotonic. */
  #notBefore = 0;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  readonly #ended = new AbortController();
  /** Monotonic. */
  readonly #startedAt: number;
  readonly #news: Budget;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#news = new Budget(options.clock, NEWS);
    if (options.tallies !== undefined)
      options.tallies.onPending = (trigger) => this.#look(triggerKey(trigger), COUNTS_MS);
  }

  /** Something may have changed about a trigger. */
  soon(key: string): void {
    this.#look(key, GATHER_MS);
  }

  /** That trigger is gone. */
  forget(key: string): void {
    this.#agenda.remove(key);
    this.#written.delete(key);
    this.#said.forget(key);
  }

  /** Begins no more writes; resolves when nothing is under way, which is given up at the deadline. Idempotent. */
  close(deadline: Deadline): Promise<void> {
    const { clock } = this.#options;
    this.#isClosed = true;
    this.#next?.cancel();
    this.#next = undefined;
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => this.#ended.abort());
    return this.#writing.finally(cancel);
  }

  #look(key: string, ms: number): void {
    this.#agenda.add(key, this.#options.clock.monotonic() + ms);
    this.#arm();
  }

  #arm(): void {
    if (this.#isClosed || this.#isLooking || this.#agenda.next === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    const now = clock.monotonic();
    const at = Math.max(this.#agenda.next, this.#notBefore, this.#lookedAt + GATHER_MS, now);
    if (this.#next !== undefined && this.#next.at <= at) return;
    this.#next?.cancel();
    const cancel = clock.after(at - now, () => {
      this.#next = undefined;
      this.#writing = this.#writeDue();
    });
    this.#next = { at, cancel };
  }

  async #writeDue(): Promise<void> {
    const { clock, planOf } = this.#options;
    this.#isLooking = true;
    this.#lookedAt = clock.monotonic();
    const plans = this.#agenda.take(this.#lookedAt).flatMap((key) => planOf(key) ?? []);
    const due = plans
      .filter((plan) => this.#isDue(plan))
      .map(({ trigger }) => triggerKey(trigger))
      .values();
    const writeSome = async () => {
      for (const key of due) {
        // It may be another one by now, or gone.
        const plan = planOf(key);
        if (this.#isClosed) return;
        if (clock.monotonic() < this.#notBefore) this.#look(key, 0);
        else if (plan !== undefined) await this.#write(plan);
      }
    };
    await Promise.all(Array.from({ length: WRITES_AT_A_TIME }, writeSome));
    this.#isLooking = false;
    this.#arm();
  }

  /** Whether its status has to be written now; when later, that is arranged. */
  #isDue(plan: TriggerPlan): boolean {
    const stored = plan.object.status;
    const next = this.#nextOf(plan, stored);
    if (next === undefined && this.#options.tallies?.pending(plan.trigger) === undefined) return false;
    const wait = next === undefined ? this.#untilCounts(plan) : this.#untilNews(plan, next);
    if (wait <= 0) return true;
    this.#look(triggerKey(plan.trigger), wait);
    return false;
  }

  #untilCounts({ trigger }: TriggerPlan): number {
    return (this.#written.get(triggerKey(trigger)) ?? this.#startedAt) + COUNTS_MS - this.#options.clock.monotonic();
  }

  #untilNews({ trigger, object }: TriggerPlan, next: TriggerStatus): number {
    // Whoever changed the trigger waits for this.
    if (object.status?.observedGeneration !== next.observedGeneration) return 0;
    const name = triggerKey(trigger);
    const now = this.#options.clock.monotonic();
    const written = this.#written.get(name);
    const isNow = written === undefined || isNews(object.status, next);
    const quiet = isNow ? 0 : written + QUIET_MS - now;
    const contradicted = this.#said.has(name, next) && isNews(object.status, next) ? this.#said.again(name) - now : 0;
    return Math.max(quiet, contradicted, this.#news.wait(name));
  }

  #nextOf(plan: TriggerPlan, stored: TriggerStatus | undefined): TriggerStatus | undefined {
    const now = new Date(this.#options.clock.now()).toISOString();
    const name = triggerKey(plan.trigger);
    const running = this.#options.running(plan);
    if (isSilent(plan, stored, running)) return undefined;
    const all = this.#progressOf(plan);
    const progress = this.#said.hasProgress(name, all) ? undefined : all;
    const next = nextStatus(stored, plan, conditionsOf(plan, running), progress, now);
    if (next === undefined || progress !== undefined) return next;
    // Another replica has put the same into other words.
    return this.#said.has(name, next) && !isNews(stored, next) ? undefined : next;
  }

  #progressOf(plan: TriggerPlan): ShownProgress | undefined {
    return sumShown(this.#options.running(plan).map(({ progress }) => progress));
  }

  async #write(plan: TriggerPlan): Promise<void> {
    const { kinds, resources, clock, tallies, planOf, onWritten } = this.#options;
    const kind = kinds.find(({ name }) => name === plan.trigger.kind);
    if (kind === undefined) return;
    const { namespace, name } = plan.trigger;
    this.#written.set(triggerKey(plan.trigger), clock.monotonic());
    if (this.#nextOf(plan, plan.object.status) !== undefined) this.#news.take(triggerKey(plan.trigger));
    const progress = this.#progressOf(plan);
    const tally = tallies?.pending(plan.trigger);
    const seen: { stored: TriggerStatus | undefined; next: TriggerStatus | undefined } = {
      stored: undefined,
      next: undefined,
    };
    try {
      const change = (object: Trigger): Trigger | undefined => {
        const next = this.#nextOf(plan, object.status);
        seen.stored = object.status;
        seen.next = next;
        if (next === undefined && tally === undefined) return undefined;
        const status = { ...object.status, ...next };
        return { ...object, status: tally === undefined ? status : withTally(status, tally) };
      };
      const { signal } = this.#ended;
      const written = await resources.updateStatus(kind.resource, namespace, name, change, { signal });
      if (tally !== undefined) tallies?.written(plan.trigger, tally);
      onWritten?.(plan, seen.stored, written.status ?? {});
      if (seen.next !== undefined && planOf(triggerKey(plan.trigger)) !== undefined)
        this.#said.say(triggerKey(plan.trigger), { ...seen, next: seen.next, progress, at: clock.monotonic() });
    } catch (thrown) {
      this.#failed(plan, asError(thrown));
    }
  }

  #failed(plan: TriggerPlan, error: Error): void {
    const { clock, log } = this.#options;
    log.debug({ trigger: triggerKey(plan.trigger), error: error.message }, 'the status was not written');
    const isGone = error instanceof TrigateError && error.code === 'NOT_FOUND';
    if (error instanceof ResourceError && error.retryAfter !== undefined) {
      this.#notBefore = clock.monotonic() + error.retryAfter;
    }
    // Gone, and planned for no longer then; or its CRD has no status.
    this.#look(triggerKey(plan.trigger), isGone ? COUNTS_MS : QUIET_MS);
  }
}

/**
 * The one that acts speaks, not those that stand by; nor does one that has just started, before it knows more than that,
 * while what is stored is about this very spec and these functions.
 */
function isSilent(
  { object, functions }: TriggerPlan,
  stored: TriggerStatus | undefined,
  running: readonly SubscriptionState[],
): boolean {
  if (running.length === 0) return false;
  if (running.every(({ source }) => source.type === 'standby')) return true;
  const isTold =
    stored?.conditions !== undefined &&
    stored.observedGeneration === object.metadata.generation &&
    isDeepStrictEqual(stored.functions, functions);
  const broken = running.filter(({ source }) => source.type === 'disconnected');
  return isTold && broken.length > 0 && broken.every(({ source }) => isOpening(source));
}
