import type { Delivery, Outlet } from '../delivery/delivery.ts';
import { type Clock, type Deadline, delay } from '../domain/clock.ts';
import { asError } from '../domain/errors.ts';
import type { Logger, Memory, Progress, Source, SourceStatus, StatusStore } from '../domain/kind.ts';
import type { Desired } from './reconcile.ts';
import { LastingProgress } from './shown-progress.ts';
import { OPENING, type SubscriptionState } from './status.ts';
import { Watchdog } from './watchdog.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A source that ran this long before it failed is tried again without a growing pause. */
const SETTLED_MS = 60_000;
/** What a source may need, after its lanes are empty, to settle and to leave its group. */
const LEAVE_MARGIN_MS = 2_000;
/** How long a source that has failed may finish what it passed, before it is opened anew. */
const FAILED_DRAIN_MS = 10_000;

export interface SubscriptionOptions {
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly memory: Memory;
  readonly store: StatusStore;
  /** Milliseconds that its source may stand still though it has work. */
  readonly stallAfter: number;
  readonly onChange: () => void;
}

/** How far a subscription is, to be measured. */
export interface SubscriptionProgress {
  /** Of the source that runs. */
  readonly progress: Progress;
  /** Milliseconds since it last moved. */
  readonly stillFor: number;
  /** Of all its sources. */
  readonly rebalances: number;
  readonly stalls: number;
}

/**
 * One subscription, from the first try to open its source until it is closed.
 *
 *   opening   the kind's `open` is under way. It rejects: pausing.
 *   open      the source runs. It says `fail`, or the watchdog sees that it stands still: drain and close it, then
 *             pausing.
 *   pausing   waits with jitter, longer each time, then opening.
 *   closed    reached from every state by `close`: the source is drained until the deadline.
 *
 * A source and its lanes are always closed before the next is opened: no two members of ours stand in one group.
 */
export class RunningSubscription {
  readonly desired: Desired;
  readonly #options: SubscriptionOptions;
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  /** As it is opened next: a function joins once. */
  #subscription: Desired['subscription'];
  #outlet: Outlet | undefined;
  /** Ends the source that runs. */
  #end: () => void = () => {};
  #targets: Desired['targets'];
  #deadline: Deadline = 0;
  #status: SourceStatus = OPENING;
  readonly #watchdog: Watchdog;
  readonly #lasting = new LastingProgress();
  #source: Source | undefined;
  /** Of sources that are closed. */
  #rebalances = 0;

  /** @param after what has to be closed before this one may open */
  constructor(desired: Desired, options: SubscriptionOptions, after: Promise<void> = Promise.resolve()) {
    this.desired = desired;
    this.#subscription = desired.subscription;
    this.#targets = desired.targets;
    this.#options = options;
    this.#watchdog = new Watchdog({
      clock: options.clock,
      stallAfter: options.stallAfter,
      onLook: (progress) => this.#looked(progress),
      onHeal: options.onChange,
    });
    this.#finished = after.then(() => this.#run());
  }

  get status(): SourceStatus {
    return this.#status;
  }

  get state(): SubscriptionState {
    return { source: this.#status, stuck: this.#watchdog.stuck, progress: this.#lasting.shown };
  }

  /** Undefined while no source runs, and for those that have nothing to lag behind. */
  progress(): SubscriptionProgress | undefined {
    const progress = this.#source?.progress?.();
    if (progress === undefined) return undefined;
    const stillFor = Math.max(0, this.#options.clock.monotonic() - progress.movedAt);
    const rebalances = this.#rebalances + progress.rebalances;
    return { progress, stillFor, rebalances, stalls: this.#watchdog.stalls };
  }

  /** Where the functions live now. */
  update(targets: Desired['targets']): void {
    if (targets === this.#targets) return;
    this.#targets = targets;
    this.#outlet?.update(targets);
  }

  /** Idempotent. Resolves when nothing of it is left. */
  close(deadline: Deadline): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#deadline = deadline;
      this.#closing.abort();
      this.#end();
    }
    return this.#finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = this.#options.clock.monotonic();
      await this.#once();
      failures = this.#options.clock.monotonic() - startedAt > SETTLED_MS ? 0 : failures + 1;
      if (!signal.aborted) await this.#pause(failures);
    }
  }

  /** One source, from opening to closed. */
  async #once(): Promise<void> {
    const { delivery, clock, log } = this.#options;
    const { kind } = this.desired;
    const subscription = this.#subscription;
    const outlet = delivery.open(kind, subscription, this.#targets);
    this.#outlet = outlet;
    const signal = this.#closing.signal;
    const ended = Promise.withResolvers<void>();
    this.#end = ended.resolve;
    let source: Source | undefined;
    let unwatch = () => {};
    // What a source says when it has failed, or is closed, is not about the one that comes next.
    let isOver = false;
    const fail = (error: Error) => {
      if (!isOver) this.#disconnected(error);
      isOver = true;
      ended.resolve();
    };
    try {
      source = await kind.open(subscription, {
        gate: outlet.gate,
        account: outlet.account,
        log,
        clock,
        memory: this.#options.memory,
        store: this.#options.store,
        signal,
        report: (status) => isOver || this.#report(status),
        fail,
      });
      this.#source = source;
      this.#subscription = { ...subscription, isJoining: false };
      if (!signal.aborted) {
        unwatch = this.#watchdog.watch(source, fail);
        await ended.promise;
      }
    } catch (thrown) {
      this.#disconnected(asError(thrown));
    }
    isOver = true;
    unwatch();
    await this.#shut(outlet, source);
  }

  #looked(progress: Progress): void {
    const { clock, onChange } = this.#options;
    const rebalances = this.#rebalances + progress.rebalances;
    if (this.#lasting.look(progress, rebalances, clock.monotonic())) onChange();
  }

  async #shut(outlet: Outlet, source: Source | undefined): Promise<void> {
    const { clock } = this.#options;
    const deadline = this.#closing.signal.aborted ? this.#deadline : clock.monotonic() + FAILED_DRAIN_MS;
    const drained = outlet.drain(deadline - LEAVE_MARGIN_MS);
    await source?.close(deadline);
    this.#rebalances += source?.progress?.().rebalances ?? 0;
    this.#source = undefined;
    await drained;
    this.#outlet = undefined;
    await outlet.close();
  }

  #disconnected(error: Error): void {
    if (this.#closing.signal.aborted) return;
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : 'SourceFailed';
    this.#options.log.warn({ subscription: this.desired.key, error: error.message }, 'the source is not connected');
    this.#report({ type: 'disconnected', reason, message: error.message });
  }

  #report(status: SourceStatus): void {
    this.#status = status;
    this.#options.onChange();
  }

  #pause(failures: number): Promise<void> {
    const { clock, random } = this.#options;
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.5 + random() / 2);
    return delay(clock, ms, this.#closing.signal);
  }
}
