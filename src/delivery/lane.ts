import type { Clock, Deadline } from '../domain/clock.ts';
import type { Passage } from '../domain/kind.ts';
import type { DroppedReason, Outcome } from '../domain/outcome.ts';
import { answered } from '../domain/outcome.ts';
import type { Delivery } from '../domain/trigger.ts';
import type { Answer, OutgoingRequest } from './call/call.ts';
import { Copy, type CopyLane, type Passed } from './copy.ts';
import { DeadlineList } from './deadlines.ts';
import type { Entry } from './ledger.ts';
import { OrderedQueue } from './order.ts';
import { Pace } from './pace.ts';
import type { RequestBuilder } from './request.ts';
import type { Target } from './target.ts';
import { Throughput } from './throughput.ts';

/** What may wait, in seconds of the function's own throughput: far less than any sensible time to live. */
const WAITING_SECONDS = 1;

/** How long a drain waits for a function that cannot be reached to come back. */
const UNREACHABLE_GRACE_MS = 2_000;

export interface LaneOptions {
  readonly delivery: Delivery;
  /** Milliseconds from the first byte to the answer. */
  readonly timeout: number;
  readonly position: number;
  readonly entry: Entry;
  readonly target: Target;
  readonly request: RequestBuilder;
  readonly clock: Clock;
  /** The lane may have more room than before. */
  readonly onRoom: (now: number) => void;
  /** Slots of the lane became free: it is to be refilled at the end of the turn. */
  readonly onFreed: (lane: Lane) => void;
}

/**
 * The bounded queue of one (trigger, function).
 *
 * A copy waits until its key is free, a slot of `concurrency` is free and the target can be reached, but no longer than
 * `ttl`; then it is called, once. When the target refuses connections the copy goes back to its place (no byte has left)
 * and the lane waits until the target can be reached again.
 *
 * **How much is claimed ahead.** `room` is the most that may wait. For sources that can wait, it is less: about a second
 * of what the function really does, and nothing while that is not known; idle slots are filled a few at a time, as many as
 * the function could take one after the other within half of `ttl`, and not at all after an event has met a busy key. So
 * a slow function never has more claimed for it than it can take in time, and a hot key hardly ever.
 */
export class Lane implements CopyLane {
  readonly position: number;
  readonly #options: LaneOptions;
  readonly #queue = new OrderedQueue<Copy>();
  readonly #waitingList: DeadlineList<Copy>;
  readonly #inFlightList: DeadlineList<Copy>;
  readonly #throughput: Throughput;
  readonly #pace: Pace | undefined;
  #waiting = 0;
  #active = 0;
  /** Of those, how many there were before slots became free in this turn. */
  #atWork = 0;
  #reserved = 0;
  /** Of those in flight, the ones that another owner has counted. */
  #disowned = 0;
  /** A copy found its key busy beside idle slots: more of them may. */
  #metBusyKey = false;
  #fullSince: number | undefined;
  #abandoned = false;
  #pumping = false;
  /** Slots became free, and are not filled yet. */
  #isFreed = false;
  #onEmpty: () => void = () => {};

  constructor(options: LaneOptions) {
    const { clock, delivery, timeout, entry, target } = options;
    this.#options = options;
    this.position = options.position;
    this.#waitingList = new DeadlineList(clock, delivery.ttl, (copy) => this.#expire(copy));
    this.#inFlightList = new DeadlineList(clock, timeout, (copy) => copy.call?.abort('timeout'));
    this.#throughput = new Throughput(delivery.rate);
    if (delivery.rate !== undefined) this.#pace = new Pace(delivery.rate, () => this.pump());
    entry.inFlight = () => this.inFlight - this.#disowned;
    target.onChange = () => {
      this.pump();
      this.#moreRoom(clock.monotonic());
    };
  }

  get inFlight(): number {
    return this.#waiting + this.#active;
  }

  /** Events that may be claimed now, by a source that can wait. */
  capacity(now: number): number {
    if (!this.#options.target.reachable) return 0;
    const { room, concurrency, rate = Number.POSITIVE_INFINITY } = this.#options.delivery;
    const ahead = Math.min(room, Math.floor(this.#throughput.perSecond(now) * WAITING_SECONDS));
    const waiting = this.#waiting + this.#reserved;
    const startable = Math.floor(Math.min(concurrency - this.#active, Math.max(1, rate), this.#inTurn));
    const isHeld = waiting > 0 || (this.#metBusyKey && this.#active > 0);
    return Math.max(0, Math.min(room - waiting, Math.max(isHeld ? 0 : startable, ahead - waiting)));
  }

  /** Events that the function can take one after the other within half of their time to live: they may have one key. */
  get #inTurn(): number {
    const { meanMs } = this.#throughput;
    return meanMs === 0 ? 1 : Math.max(1, this.#options.delivery.ttl / (2 * meanMs));
  }

  /** What is worth waking a source for: never more than the capacity of an idle lane, which nothing would wake again. */
  worthwhile(now: number): number {
    return Math.max(1, Math.min(this.#options.delivery.room, this.#throughput.perSecond(now)) >> 2);
  }

  /** Events that may be claimed now, up to so many, by a source whose events are lost otherwise. */
  hardCapacity(wanted: number): number {
    const { target, delivery } = this.#options;
    if (!target.reachable) return 0;
    const capacity = delivery.room - this.#waiting - this.#reserved;
    if (capacity >= wanted || !this.#isFreed) return capacity;
    // What waits for the end of the turn beside free slots must cost nobody an event.
    this.pump();
    return delivery.room - this.#waiting - this.#reserved;
  }

  /** Why there is no room. */
  get reason(): DroppedReason {
    const { target } = this.#options;
    if (target.reachable) return 'overflow';
    return target.known ? 'unreachable' : 'no_endpoint';
  }

  reserve(size: number): void {
    this.#reserved += size;
  }

  unreserve(size: number): void {
    this.#reserved -= size;
    this.#endStall();
  }

  /** Shared fan-out: whether this lane has been without room for so long that it may no longer hold up the others. */
  isStalled(now: number, capacity = this.capacity(now)): boolean {
    if (capacity > 0) {
      this.#fullSince = undefined;
      return false;
    }
    this.#fullSince ??= now;
    return now - this.#fullSince >= this.#options.delivery.stall;
  }

  /**
   * Takes a claimed event. Without room, which only a stalled lane of a shared subscription lacks, it is dropped; so it is
   * after the deadline of a drain.
   */
  push(passed: Passed, now: number): void {
    const { entry, delivery } = this.#options;
    entry.counts.claimed++;
    const copy = new Copy(passed, this);
    // Calls that were put back may stand above the room that was reserved.
    const isFull = this.#waiting >= delivery.room + delivery.concurrency;
    if (this.#abandoned || isFull || (this.#fullSince !== undefined && this.isStalled(now))) {
      this.#account(copy, { type: 'dropped', reason: this.#abandoned ? 'shutdown' : this.reason });
      return;
    }
    this.#waiting++;
    this.#waitingList.add(copy, now);
    const isIdle = this.#active < delivery.concurrency && !this.#isFreed;
    if (!this.#queue.push(copy) && isIdle) this.#metBusyKey = true;
  }

  firstByte(copy: Copy, now: number): void {
    copy.state = 'inFlight';
    this.#waitingList.remove(copy);
    copy.startedAt = now;
    this.#inFlightList.add(copy, now);
  }

  answered(copy: Copy, answer: Answer, now: number): void {
    if (!this.#isFreed) this.#atWork = this.#active;
    this.#active--;
    this.#metBusyKey = false;
    switch (answer.type) {
      case 'answered': {
        const ms = now - copy.startedAt;
        this.#throughput.count(now, ms, this.#atWork);
        this.#options.target.answered();
        this.#finish(copy, answered(answer.status, ms, answer.body));
        break;
      }
      case 'unknown': {
        const ms = now - copy.startedAt;
        this.#throughput.count(now, ms, this.#atWork);
        this.#finish(copy, { type: 'unknown', reason: answer.reason, ms });
        break;
      }
      case 'invalid':
        this.#finish(copy, { type: 'dropped', reason: 'invalid' });
        break;
      case 'notSent':
        if (copy.isGivenUp || this.#abandoned) {
          this.#finish(copy, { type: 'dropped', reason: 'shutdown' });
          break;
        }
        this.#putBack(copy);
        this.#options.target.refused(copy.address);
        break;
      default:
        answer satisfies never;
    }
    if (!this.#options.target.prefersBursts) {
      this.pump();
      this.#moreRoom(now);
    } else if (!this.#isFreed) {
      this.#isFreed = true;
      this.#options.onFreed(this);
    }
  }

  /** Fills the slots that became free. */
  refill(): void {
    this.#isFreed = false;
    this.pump();
    this.#endStall();
  }

  /**
   * Waits until nothing is in flight and no source holds room for what it may still pass; at the deadline what waits is
   * dropped and what is called is given up, and what is passed later is dropped.
   */
  async drain(deadline: Deadline): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => {
      this.abandon();
      resolve();
    });
    const earlier = this.#onEmpty;
    this.#onEmpty = () => {
      earlier();
      resolve();
    };
    this.tellIfEmpty();
    const cancelGrace = clock.after(UNREACHABLE_GRACE_MS, () => this.#dropUnreachable());
    await promise;
    cancel();
    cancelGrace();
  }

  /** A function that is away would hold up the end until the deadline. */
  #dropUnreachable(): void {
    if (this.#options.target.reachable) return;
    this.#waitingList.forEach((copy) => {
      if (copy.state === 'waiting') this.#dropWaiting(copy, 'shutdown');
    });
  }

  /** Ends a drain when nothing is left. Call it when room was given back. */
  tellIfEmpty(): void {
    if (this.inFlight === 0 && this.#reserved === 0) this.#onEmpty();
  }

  /** Accounts everything at once: `dropped(shutdown)` where no byte can have left, else `unknown(aborted)`. */
  abandon(): void {
    this.#abandoned = true;
    this.#giveUp(() => true);
  }

  /** The same for what was passed together. */
  abort(passage: Passage): void {
    this.#giveUp((copy) => copy.passed.passage === passage);
  }

  #giveUp(concerns: (copy: Copy) => boolean): void {
    this.#waitingList.forEach((copy) => {
      if (!concerns(copy)) return;
      copy.isGivenUp = true;
      if (copy.state === 'waiting') this.#dropWaiting(copy, 'shutdown');
    });
    // Now, when none of those that wait can take the slot.
    this.#waitingList.forEach((copy) => {
      if (copy.isGivenUp) copy.call?.abort('aborted');
    });
    this.#inFlightList.forEach((copy) => {
      if (concerns(copy)) copy.call?.abort('aborted');
    });
  }

  /** Releases timers. Nothing may be in flight. */
  close(): void {
    this.#waitingList.close();
    this.#inFlightList.close();
    this.#pace?.close();
    this.#options.target.onChange = () => {};
  }

  /** So many copies that are in flight here are another owner's in the account. */
  disown(copies: number): void {
    this.#disowned += copies;
  }

  /** So is one that had this outcome here. */
  retract(outcome: Outcome): void {
    this.#options.entry.retract(outcome);
  }

  /** Starts what may start. Call it after pushing. */
  pump(): void {
    // A call that ends in the turn in which it starts comes back here: the loop below goes on by itself.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#startAll();
    } finally {
      this.#pumping = false;
    }
  }

  #startAll(): void {
    const { delivery, target } = this.#options;
    while (this.#active < delivery.concurrency && this.#queue.hasReady && target.reachable) {
      if (this.#pace !== undefined && !this.#pace.take(Math.min(this.#waiting, delivery.concurrency - this.#active)))
        return;
      const copy = this.#queue.take();
      if (copy === undefined) return;
      this.#start(copy);
    }
  }

  #start(copy: Copy): void {
    this.#waiting--;
    this.#active++;
    copy.state = 'called';
    copy.address = this.#options.target.address;
    copy.call = this.#options.target.send(this.#requestOf(copy.passed), copy);
  }

  #requestOf(passed: Passed): OutgoingRequest {
    const { request, target } = this.#options;
    const { path } = target;
    passed.request ??= request(passed.event, path);
    return passed.request.path === path ? passed.request : { ...passed.request, path };
  }

  /** Back to waiting, for what is left of its time to live. */
  #putBack(copy: Copy): void {
    if (copy.timedIn === null) {
      this.#finish(copy, { type: 'dropped', reason: 'unreachable' });
    } else {
      copy.state = 'waiting';
      copy.call = undefined;
      this.#waiting++;
      this.#queue.putBack(copy);
    }
  }

  /** Its time to live is over, and no byte of it has left. */
  #expire(copy: Copy): void {
    if (copy.state === 'waiting') this.#dropWaiting(copy, this.#options.target.reachable ? 'expired' : this.reason);
    else copy.call?.abort('aborted');
  }

  #dropWaiting(copy: Copy, reason: DroppedReason): void {
    this.#waiting--;
    this.#account(copy, { type: 'dropped', reason });
    this.#moreRoom(this.#options.clock.monotonic());
  }

  #moreRoom(now: number): void {
    this.#endStall();
    this.#options.onRoom(now);
  }

  /** Seen when it happens: a stall that nobody saw end would count on from its beginning. */
  #endStall(): void {
    if (this.#fullSince !== undefined) this.isStalled(this.#options.clock.monotonic());
  }

  #finish(copy: Copy, outcome: Outcome): void {
    this.#queue.done(copy);
    this.#account(copy, outcome);
  }

  #account(copy: Copy, outcome: Outcome): void {
    copy.state = 'accounted';
    this.#waitingList.remove(copy);
    this.#inFlightList.remove(copy);
    const { entry } = this.#options;
    if (copy.passed.late) {
      this.#disowned--;
      entry.late(copy.passed.event, outcome);
    } else {
      entry.outcome(copy.passed.event, outcome);
    }
    copy.passed.accounted(this.position, outcome);
    this.tellIfEmpty();
  }
}
