import {
  asError,
  byDeadline,
  copyCounts,
  type Deadline,
  type Gap,
  type Outcome,
  type Progress,
  type Room,
  roomUnlessStopped,
  type SourceContext,
  type Subscription,
  TrigateError,
} from '../../src/sdk.ts';
import type { Backlog } from './backlog.ts';
import { Books } from './books.ts';
import type { Change } from './change.ts';
import type { Gaps, MemberRow, Walk } from './checkpoint.ts';
import { claim } from './claim.ts';
import type { Decision, ObjectNames } from './decision.ts';
import type { KubernetesEvent } from './event.ts';
import { type Cursor, Hand } from './hand.ts';
import { type Batch, Outstanding } from './outstanding.ts';
import { isSame, type Position, resumeFrom, whole } from './position.ts';
import type { KubernetesTriggerSpec } from './spec.ts';
import { type ListAt, WalkHand } from './walk.ts';

const RETRY_MS = 1_000;

/** Events of one claim, at most. */
const MOST_AT_ONCE = 512;

export interface ReaderOptions {
  readonly subscription: Subscription<KubernetesTriggerSpec>;
  readonly context: SourceContext;
  readonly names: ObjectNames;
  readonly makeEvent: (change: Change) => KubernetesEvent;
  readonly backlog: Backlog;
  /** As it is stored. */
  readonly row: MemberRow;
  readonly from: Cursor;
  /** Whether the backlog holds all that comes after `from`. */
  readonly isServed: boolean;
  readonly listAt: ListAt;
  /** Stores all that is decided on. */
  readonly commit: () => Promise<void>;
  /** There is something to store, soon. */
  readonly soon: () => void;
}

/**
 * One subscription at its watch, for as long as this process holds the watch.
 *
 * It first walks through the objects that it begins with, if it does. Then, again and again: look what waits in the
 * backlog, ask the gate for room until `delivery.stall` after the first of it came, decide on as many as there is room
 * for, claim, pass. What finds no room in that time is dropped with the reason of the lane, and so is what the backlog has
 * to forget before: a slow function never holds up the watch or another trigger.
 *
 * It stops when it is told to, when the gate closes, or when a claim is not proven; what it has passed goes on to be
 * settled.
 */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #hand: Hand;
  readonly #books: Books;
  readonly #outstanding = new Outstanding();
  #walk: WalkHand | undefined;
  #gaps: Gaps | undefined;
  readonly #stopping = new AbortController();
  #isAbandoned = false;
  #isWoken = false;
  #wake: () => void = () => {};
  #movedAt: number;
  #isHeld = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReaderOptions) {
    const { subscription, backlog, names, row, from, isServed, context } = options;
    this.#options = options;
    this.#hand = new Hand(backlog, names, subscription.spec, from, isServed);
    this.#books = new Books(subscription.functions, row.functions);
    this.#gaps = row.gaps;
    this.#movedAt = context.clock.monotonic();
    if (row.walk !== undefined) this.#walk = this.#walkFrom(row.walk);
  }

  get counts() {
    return this.#books.all;
  }

  get gaps(): Gaps | undefined {
    return this.#gaps;
  }

  get cursor(): Cursor {
    return this.#hand.cursor;
  }

  /** What the backlog must have kept for it. */
  get keepsOldObjects(): boolean {
    const { mode, changed } = this.#options.subscription.spec;
    return mode === 'envelope' || changed.length > 0;
  }

  /** Everything up to here has its outcome. */
  get settled(): string {
    return this.#outstanding.from ?? resumeFrom(this.cursor);
  }

  /** @param position of the watch: where it is its own, too, it is left out. Undefined: always said */
  row(position: Position | undefined): MemberRow {
    const { time, ...at } = this.cursor;
    const isElsewhere = position === undefined || !isSame(at, position);
    return {
      trigger: this.#options.row.trigger,
      at: isElsewhere ? at : undefined,
      since: isElsewhere ? time : undefined,
      walk: this.#walk?.walk,
      gaps: this.#gaps,
      functions: this.#books.all,
    };
  }

  start(): void {
    this.#running = this.#run().catch((thrown) => this.#options.context.fail(asError(thrown)));
  }

  /** Something was appended to the backlog. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  hold(): void {
    this.#hand.hold();
  }

  restarted(): void {
    this.#hand.restarted();
    this.wake();
  }

  /** The backlog has no room for a change any more. */
  forget(change: Change, place: number): void {
    this.#dropped(this.#hand.forget(change, place));
  }

  /**
   * The server has forgotten what happened after its position.
   * @param at where it goes on, and whether it can walk through what changed until then
   */
  lost(gap: Gap, at: { readonly version: string; readonly isComparable: boolean } | undefined): void {
    this.#gaps = { count: (this.#gaps?.count ?? 0) + 1, last: gap };
    this.#options.context.account.gap(gap);
    if (at === undefined) return;
    const newerThan = this.cursor.version;
    if (at.isComparable && this.#walk === undefined)
      this.#walk = this.#walkFrom({ at: at.version, newerThan, done: 0 });
    this.#hand.moveTo({ ...whole(at.version), time: gap.to });
    this.wake();
  }

  stop(): void {
    this.#stopping.abort();
    this.wake();
  }

  /** Resolves when it claims nothing any more, also if it was told to stop long ago. */
  get ended(): Promise<void> {
    return this.#running;
  }

  /** Resolves when it has stopped, and what it passed has its outcome or the deadline is over. */
  async stopped(deadline: Deadline): Promise<void> {
    const { clock } = this.#options.context;
    this.stop();
    // A claim may be in doubt for as long as the API server is away.
    await byDeadline(clock, deadline, this.#running);
    await this.#outstanding.empty(clock, deadline);
  }

  /** Another process holds the watch and has counted what has no outcome here: none of it is ours any more. */
  abandon(): void {
    const { account } = this.#options.context;
    this.#isAbandoned = true;
    this.stop();
    this.#outstanding.disown();
    for (const name of this.#books.all.keys()) account.release(name, copyCounts(account.counts(name)));
  }

  /** Changes of the backlog that it has not decided on. */
  get lag(): number {
    return this.#hand.lag;
  }

  progress(name: string): Progress {
    const unsettled = this.#outstanding.size;
    const lag = this.#hand.lag + (this.#walk?.waiting ?? 0);
    return { parts: [{ name, lag, unsettled }], movedAt: this.#movedAt, held: this.#isHeld, rebalances: 0 };
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      if (this.#walk === undefined) await this.#step();
      else await this.#walkOn(this.#walk);
    }
  }

  async #step(): Promise<void> {
    const { clock } = this.#options.context;
    const { stall } = this.#options.subscription.spec.delivery;
    this.#isWoken = false;
    const waiting = this.#hand.waiting(MOST_AT_ONCE);
    if (waiting === undefined) {
      this.#dropped(this.#hand.take(0));
      return this.#sleep();
    }
    const room = await this.#reserve(waiting.count, waiting.since + stall);
    if (room === undefined) return;
    if (room.size > 0) return this.#claimAndPass(room, () => this.#hand.take(room.size));
    this.#dropped(this.#hand.expire(clock.monotonic() - stall, room.reason));
  }

  /** These objects can wait: they are still there. */
  async #walkOn(walk: WalkHand): Promise<void> {
    if (!(await this.#filled(walk))) {
      this.#walk = undefined;
      this.#options.soon();
      return;
    }
    const room = await this.#reserve(Math.min(walk.waiting, MOST_AT_ONCE), undefined);
    if (room !== undefined) await this.#claimAndPass(room, () => walk.take(room.size));
  }

  async #filled(walk: WalkHand): Promise<boolean> {
    const { clock, log, signal } = this.#options.context;
    try {
      return await walk.fill(signal);
    } catch (thrown) {
      if (this.#isStopping) return true;
      if (!(thrown instanceof TrigateError)) throw thrown;
      if (thrown.code !== 'EXPIRED') {
        log.warn({ code: thrown.code }, thrown.message);
        await this.#sleep(RETRY_MS);
        return true;
      }
      const now = clock.now();
      this.lost(
        {
          from: this.cursor.time,
          to: now,
          cause: `the objects at version ${walk.walk.at} could not be read to their end: ${thrown.message}`,
        },
        undefined,
      );
      return false;
    }
  }

  /** Undefined when there is nothing to ask for, it is told to stop, or the gate is closed. */
  async #reserve(wanted: number, until: Deadline | undefined): Promise<Room | undefined> {
    if (wanted === 0) return undefined;
    this.#isHeld = true;
    const { gate } = this.#options.context;
    const room = await roomUnlessStopped(gate, this.#stopping.signal, wanted, until).finally(() => {
      this.#isHeld = false;
    });
    if (room?.size !== 0 || room.reason !== 'shutdown') return room;
    this.#stopping.abort();
    return undefined;
  }

  async #claimAndPass(room: Room, take: () => Decision): Promise<void> {
    const from = resumeFrom(this.cursor);
    const decision = take();
    this.#books.decided(decision);
    if (decision.claim.length === 0) {
      room.release();
      this.#count(decision);
      return this.#options.soon();
    }
    const batch = this.#outstanding.add(from, decision.claim.length);
    this.#isHeld = true;
    const claimed = await claim(this.#options.commit, decision.claim.map(this.#options.makeEvent)).catch(asError);
    this.#isHeld = false;
    if (this.#isAbandoned || claimed instanceof Error) {
      // Not ours, or nobody knows: whoever holds the watch next finds it in the checkpoint.
      this.#outstanding.remove(batch);
      room.release();
      this.#stopping.abort();
      return;
    }
    this.#movedAt = this.#options.context.clock.monotonic();
    this.#count(decision);
    batch.passage = room.pass(claimed, (_, outcomes) => this.#settle(batch, outcomes));
  }

  #settle(batch: Batch, outcomes: readonly Outcome[]): void {
    if (this.#isAbandoned) return;
    this.#books.settled(outcomes);
    this.#outstanding.settle(batch);
    this.#options.soon();
  }

  /** Decided on without a claim: it is stored with the next one, or soon. */
  #dropped(decision: Decision): void {
    this.#movedAt = this.#options.context.clock.monotonic();
    if (decision.filtered + decision.drop.length === 0) return;
    this.#books.decided(decision);
    this.#count(decision);
    this.#options.soon();
  }

  #count({ claim, drop, filtered }: Decision): void {
    const { account } = this.#options.context;
    account.read(claim.length + drop.length + filtered);
    account.filtered(filtered);
    for (const { change, reason } of drop) account.dropped(this.#options.makeEvent(change), reason);
  }

  /** Until there is something new, or it is told to stop. */
  async #sleep(ms?: number): Promise<void> {
    if (this.#isWoken && ms === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = ms === undefined ? undefined : this.#options.context.clock.after(ms, resolve);
    this.#wake = () => (ms === undefined || this.#isStopping) && resolve();
    if (!this.#isStopping) await promise;
    this.#wake = () => {};
    cancel?.();
  }

  #walkFrom(walk: Walk): WalkHand {
    const { listAt, names, subscription, context } = this.#options;
    const now = () => ({ time: context.clock.now(), heardAt: context.clock.monotonic() });
    return new WalkHand(walk, listAt, names, subscription.spec, now);
  }
}
