import { randomBytes } from 'node:crypto';
import {
  asError,
  byDeadline,
  type Clock,
  createBackoff,
  type Deadline,
  delay,
  type Logger,
  pauseAfter,
  type Resources,
  type SourceStatus,
  TrigateError,
} from '../../src/sdk.ts';
import type { Budget } from './backlog.ts';
import { CheckpointStore, type Found, Superseded } from './checkpoint-store.ts';
import { Holding } from './holding.ts';
import type { WatchLimits } from './limits.ts';
import { clearAccount, type Member } from './member.ts';
import { explain } from './rights.ts';
import { untilFree } from './standby.ts';
import { describeTarget, type WatchTarget } from './target.ts';
import type { WatchKey } from './watch-key.ts';

/** Subscriptions that open together are taken together: the oldest of their positions is where the watch begins. */
const GATHER_MS = 20;
/** For the answer to a last request after the deadline. */
const CLOSE_GRACE_MS = 1_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

export interface SharedWatchOptions {
  readonly key: WatchKey;
  readonly target: WatchTarget;
  /** Where triggers and checkpoints are. */
  readonly home: Resources;
  /** Where the objects are. */
  readonly watched: Resources;
  /** Whether the server promises that resource versions can be compared. */
  readonly isComparable: () => Promise<boolean>;
  /** Milliseconds; undefined: nobody else runs these triggers. */
  readonly leaseMs: number | undefined;
  /** Uids of the triggers of a namespace that are there and not being deleted. */
  readonly triggers: (namespace: string) => Promise<ReadonlySet<string>>;
  readonly limits: WatchLimits;
  readonly budget: Budget;
  readonly contents: Budget;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * One watch for all subscriptions that ask for the same: resource, namespace, selectors, and as whom.
 *
 *   standing by   another process holds the watch: the checkpoint is watched until that one gives it back, and looked at
 *                 now and then: it may have written nothing for `leaseMs`.
 *   holding       this one reads and claims, see `Holding`. Another one takes over: standing by again.
 *   over          the last member has left, or the first attempt failed: the members are told, and try again later.
 *
 * Two that both believe to hold it do no harm: of two writes that come after the same one the API server takes one.
 */
export class SharedWatch {
  readonly #options: SharedWatchOptions;
  readonly #store: CheckpointStore;
  readonly #nonce = randomBytes(9).toString('base64url');
  readonly #members = new Map<string, Member>();
  /** Those whose `join` has resolved. */
  readonly #joined = new Set<string>();
  /** The members need it no more. */
  readonly #closing = new AbortController();
  /** Nothing is asked any more. */
  readonly #givingUp = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  readonly #finished: Promise<void>;
  #holding: Holding | undefined;
  #isStandby = false;
  #problem: Error | undefined;
  #periodEnded: () => void = () => {};

  constructor(options: SharedWatchOptions) {
    const { home, key, clock, random } = options;
    this.#options = options;
    this.#store = new CheckpointStore({
      resources: home,
      namespace: key.namespace,
      name: key.name,
      spec: key.spec,
      nonce: this.#nonce,
      clock,
      random,
      signal: this.#givingUp.signal,
      onReach: (error) => this.#say(error),
    });
    // Whoever joins gets the rejection.
    this.#started.promise.catch(() => {});
    this.#finished = this.#run();
  }

  /** Nobody may join it any more. */
  get isOver(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Resolves when nothing of it is left. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** Resolves when the member's position is stored, or when another process has the watch. */
  async join(member: Member): Promise<void> {
    this.#members.set(member.key, member);
    try {
      await this.#started.promise;
      await this.#attach(member);
    } catch (error) {
      this.#members.delete(member.key);
      if (this.#members.size === 0) this.#close();
      throw error;
    }
    this.#joined.add(member.key);
    this.#report(member);
  }

  /** Resolves when what it passed is settled, or at the deadline. The last one ends the watch. */
  async leave({ key }: Member, deadline: Deadline): Promise<void> {
    const { clock } = this.#options;
    await this.#holding?.detach(key, deadline);
    this.#members.delete(key);
    this.#joined.delete(key);
    // A watch that has just become ours may have attached it meanwhile.
    await this.#holding?.detach(key, deadline);
    if (this.#members.size > 0) return;
    this.#close();
    const giveUp = clock.after(Math.max(0, deadline - clock.monotonic()), () => this.#givingUp.abort());
    await byDeadline(clock, Math.max(deadline, clock.monotonic()) + CLOSE_GRACE_MS, this.#finished);
    giveUp();
  }

  reader(key: string) {
    return this.#holding?.reader(key);
  }

  #close(): void {
    this.#closing.abort();
    this.#periodEnded();
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#closing;
    const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
    let wasStarted = false;
    void this.#started.promise.then(
      () => {
        wasStarted = true;
      },
      () => {},
    );
    await delay(clock, GATHER_MS, signal);
    while (!signal.aborted) {
      try {
        const found = await this.#untilFree();
        if (found === undefined) break;
        await this.#hold(found);
        backoff.reset();
      } catch (thrown) {
        if (thrown instanceof Superseded) continue;
        const error = (await this.#explained(asError(thrown))) ?? asError(thrown);
        if (!wasStarted) {
          this.#closing.abort();
          this.#started.reject(error);
          break;
        }
        this.#say(error);
        await delay(clock, pauseAfter(thrown, backoff), signal);
      }
    }
    this.#started.reject(new TrigateError('GATEWAY_UNREACHABLE', 'The watch was closed before it had begun.'));
  }

  /** Undefined when the watch is not needed any more. */
  #untilFree(): Promise<Found | undefined> {
    const { leaseMs, clock } = this.#options;
    const onHeld = () => {
      this.#isStandby = true;
      this.#started.resolve();
      this.#say(undefined);
    };
    return untilFree({ store: this.#store, leaseMs, clock, signal: this.#closing.signal, onHeld });
  }

  /** Until another process takes over, nothing can be stored, or nobody needs it. */
  async #hold(found: Found): Promise<void> {
    const { home: _, triggers, key, ...options } = this.#options;
    const isComparable = await options.isComparable();
    const alive = found.record?.members.size ? await triggers(key.namespace) : new Set();
    const isAlive = (member: string) => this.#members.has(member) || alive.has(member.split('/', 1)[0] ?? '');
    const lost = Promise.withResolvers<Error | undefined>();
    const holding = await Holding.take(
      {
        ...options,
        isComparable,
        resources: options.watched,
        store: this.#store,
        nonce: this.#nonce,
        onState: (error) => void this.#explained(error).then((explained) => this.#say(explained)),
        onLost: lost.resolve,
      },
      found,
      isAlive,
    );
    this.#periodEnded = () => lost.resolve(undefined);
    if (this.isOver) lost.resolve(undefined);
    this.#holding = holding;
    this.#isStandby = false;
    await Promise.all([...this.#members.values()].map((member) => this.#attachAgain(member)));
    this.#started.resolve();
    this.#say(undefined);
    const running = holding.run().then(() => undefined, asError);
    const ended = await Promise.race([lost.promise, running]);
    this.#holding = undefined;
    if (ended === undefined && this.isOver) await this.#giveBack(holding);
    else this.#drop(holding, ended);
    await running;
    if (ended !== undefined) throw ended;
  }

  async #attach(member: Member): Promise<void> {
    const holding = this.#holding;
    if (holding === undefined || holding.has(member.key)) return;
    await holding.attach(member, () => this.#members.get(member.key) === member);
  }

  /** One that is only joining hears of a failure itself. */
  async #attachAgain(member: Member): Promise<void> {
    try {
      await this.#attach(member);
    } catch (thrown) {
      if (this.#joined.has(member.key)) member.context.fail(asError(thrown));
    }
  }

  /** A checkpoint whose triggers are all gone goes with them. */
  async #giveBack(holding: Holding): Promise<void> {
    const { key, triggers, log } = this.#options;
    const alive = await triggers(key.namespace).catch(() => undefined);
    const isUsed = alive === undefined || [...holding.rows].some((row) => alive.has(row.split('/', 1)[0] ?? ''));
    await holding.close(!isUsed).catch((error) => {
      log.warn({ checkpoint: key.name, error: asError(error).message }, 'the watch was not given back');
    });
  }

  #drop(holding: Holding, error: Error | undefined): void {
    const { log, key } = this.#options;
    log.warn({ checkpoint: key.name, error: error?.message }, 'the watch is not ours any more');
    holding.abandon();
    for (const member of this.#members.values()) clearAccount(member, member.subscription.functions);
  }

  async #explained(error: Error | undefined): Promise<Error | undefined> {
    const { watched, target } = this.#options;
    return error && explain(error, watched, target);
  }

  #say(problem: Error | undefined): void {
    this.#problem = problem;
    for (const member of this.#members.values()) this.#report(member);
  }

  #report({ context, key }: Member): void {
    context.report(this.#stateOf(key));
  }

  #stateOf(key: string): SourceStatus {
    const what = describeTarget(this.#options.target);
    if (this.#problem !== undefined) {
      const { message } = this.#problem;
      const reason = this.#problem instanceof TrigateError ? this.#problem.code : 'WatchFailed';
      return { type: 'disconnected', reason, message };
    }
    if (this.#isStandby) return { type: 'standby', message: `stands by: another process watches ${what}` };
    const gaps = this.#holding?.reader(key)?.gaps;
    return { type: 'connected', message: `watches ${what}${gaps === undefined ? '' : `; ${gapText(gaps)}`}` };
  }
}

const gapText = ({ count, last }: { count: number; last: { from: number; to: number; cause: string } }): string =>
  `${count === 1 ? '1 gap' : `${count} gaps, the last`} from ${new Date(last.from).toISOString()} to ${new Date(last.to).toISOString()}: ${last.cause}`;
