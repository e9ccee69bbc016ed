import type { OffsetsByTopicPartition } from 'kafkajs';
import { asError, type Claimed, type Clock, type Event, markClaimed, TrigateError } from '../../src/sdk.ts';
import { isRefusal } from './kafkajs.ts';
import type { Group } from './membership.ts';
import { type Departure, Pacing } from './pacing.ts';

/*
 * A claim is an OffsetCommit that stands before the events are passed on.
 *
 * **Whose commit was it?** The coordinator checks member and generation, not that the member owns the partition
 * (KAFKA-19779), so a commit under a generation in which the partition is no longer ours would be accepted. kafkajs reads
 * the generation in the same turn in which the commit is called, and may rejoin while a handler runs (tulios/kafkajs#1046).
 * So every membership has an epoch here, which ends with anything that may change the generation. A commit is sent only in
 * the turn that found its epoch current and its partition assigned, and counts only if the COMMIT_OFFSETS event of that
 * very request shows the generation of that epoch.
 *
 * **In doubt.** A commit whose answer did not come may have been applied, or may be applied later. Its events are neither
 * passed nor counted, and nothing more is committed under this membership: a later commit could be overtaken by it, and an
 * OffsetCommit is not monotonic.
 *
 * **Coalescing.** The commits of several partitions travel together, and `pacing.ts` says when they leave: one request at a
 * time, or two where the broker lets them wait; never two for one partition.
 *
 * **The window.** What the broker has stored as unsettled is what a crash leaves in doubt, and it may not exceed the window.
 * So what other partitions have settled rides along: always where a commit is answered at once, elsewhere when the window
 * would be exceeded. Where a second request would exceed it, none leaves.
 */

export interface Stored {
  readonly offset: number;
  readonly metadata: string;
}

/** One partition's part of a commit. */
export interface CommitRequest {
  /** Of the membership under which its events were read. */
  readonly epoch: number;
  readonly partition: number;
  /** Called in the turn in which the commit is sent. */
  readonly content: () => Stored;
}

interface Waiting extends CommitRequest {
  /** How many it claims. */
  readonly events: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A request that was sent. */
interface Sent {
  readonly departure: Departure;
  readonly epoch: number;
  readonly parts: readonly Waiting[];
  /** To be found again in the event that kafkajs emits when it was answered. */
  readonly topics: OffsetsByTopicPartition['topics'];
  answeredGeneration: number | undefined;
}

/** What a membership lets claims do. */
export type Member = Pick<Group, 'generation' | 'partitions' | 'commit' | 'canJoin'>;

export interface ClaimsOptions {
  readonly topic: string;
  readonly clock: Clock;
  /** Events that a crash may leave in doubt. */
  readonly window: number;
  /** Called once per membership, when it may commit nothing more. */
  readonly onDoubt: (error: Error) => void;
}

/** A claim that was not made, and is not in doubt: its events are read again by whoever holds the position. */
export class ClaimRefused extends Error {
  override readonly name = 'ClaimRefused';
}

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #pacing: Pacing;
  #epoch = 0;
  #member: Member | undefined;
  #isInDoubt = false;
  #isHeld = false;
  readonly #claims = new Map<number, Waiting>();
  readonly #settlements = new Map<number, Waiting[]>();
  readonly #out = new Set<Sent>();
  #isGathering = false;
  #onIdle: () => void = () => {};

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#pacing = new Pacing(options.clock, () => this.#member?.canJoin() === true);
  }

  /** Called in the turn in which a request is put together: what is settled then goes with it. */
  onGather: () => void = () => {};

  /** Events that a crash would leave in doubt now, without those that are being claimed. */
  inDoubt: () => number = () => 0;

  /** Changes with every membership. Take it when a batch arrives. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A membership begins. */
  joined(member: Member): void {
    this.#epoch++;
    this.#member = member;
    this.#isInDoubt = false;
    this.#isHeld = false;
  }

  /** The membership is about to end: nothing more is claimed, and what is claimed can still be settled. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Resolves when no request is out, none waits, and those whose claims were answered have passed their events. */
  idle(): Promise<void> {
    if (!this.#isGathering && this.#out.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onIdle;
      this.#onIdle = () => {
        before();
        resolve();
      };
    });
  }

  /** Anything after which the generation may be another one: rebalance, stop, crash, lost connection. */
  left(): void {
    this.#epoch++;
    this.#member = undefined;
  }

  /** What kafkajs says of a commit that was answered. */
  committed(topics: OffsetsByTopicPartition['topics'], generation: number): void {
    for (const sent of this.#out) if (sent.topics === topics) sent.answeredGeneration = generation;
  }

  /** Whether events of that partition, read under that epoch, may be claimed. */
  isCurrent(epoch: number, partition: number): boolean {
    return !this.#isHeld && this.#isMember(epoch, partition);
  }

  /** Resolves when a claim would leave at once, or with the next request. */
  turn(): Promise<void> {
    return this.#pacing.turn();
  }

  /**
   * Records a position behind these events, and makes them ours. At most one claim of a partition may wait at a time.
   * Rejects with `ClaimRefused` when the membership has changed, with the broker's refusal, or with the error that left the
   * claim in doubt.
   */
  async claim(events: readonly Event[], request: CommitRequest): Promise<readonly Claimed<Event>[]> {
    await new Promise<void>((resolve, reject) => {
      this.#claims.get(request.partition)?.reject(new ClaimRefused('another claim of that partition came after it'));
      this.#claims.set(request.partition, { ...request, events: events.length, resolve, reject });
      this.#send();
    });
    return markClaimed(events);
  }

  /** Stores a partition as it is. A claim of that partition which travels with it says it all. Rejects like `claim`. */
  settle(request: CommitRequest): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const waiting = this.#settlements.get(request.partition) ?? [];
      this.#settlements.set(request.partition, [...waiting, { ...request, events: 0, resolve, reject }]);
      this.#send();
    });
  }

  #isMember(epoch: number, partition: number): boolean {
    return epoch === this.#epoch && !this.#isInDoubt && this.#member?.partitions.includes(partition) === true;
  }

  #send(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    // The handlers of one fetch answer run within a turn, and so do those that were just answered: let them all come in.
    setImmediate(() => {
      this.#leave();
      this.#isGathering = false;
      if (this.#out.size === 0) this.#tellIdle();
    });
  }

  /** What waits, as far as it may leave now. What may not is looked at again when a request was answered. */
  #leave(): void {
    if (this.#claims.size + this.#settlements.size === 0 || !this.#pacing.mayLeave) return;
    const isTooMuch = this.#exceedsWindow();
    if (this.#out.size > 0 && (isTooMuch || !this.#mayJoin())) return;
    // Partitions that ride along cannot join a moment later with claims of their own, which would say the same.
    if (this.#claims.size > 0 && (isTooMuch || !this.#pacing.isCollecting)) this.onGather();
    const batches = this.#gather();
    if (batches.length > 0) void this.#request(batches);
  }

  /** Whether claims may leave beside a request that is out. Settling alone can wait. */
  #mayJoin(): boolean {
    for (const { epoch } of this.#out) if (epoch !== this.#epoch) return false;
    for (const partition of this.#claims.keys()) if (!this.#isOut(partition)) return true;
    return false;
  }

  #exceedsWindow(): boolean {
    let claimed = 0;
    for (const { events } of this.#claims.values()) claimed += events;
    for (const { parts } of this.#out) for (const { events } of parts) claimed += events;
    return claimed > 0 && this.inDoubt() + claimed > this.#options.window;
  }

  #isOut(partition: number): boolean {
    for (const { parts } of this.#out) if (parts.some((part) => part.partition === partition)) return true;
    return false;
  }

  #tellIdle(): void {
    const tell = this.#onIdle;
    this.#onIdle = () => {};
    tell();
  }

  /** What waits of partitions of which nothing is out; the first of each tells what is stored. */
  #gather(): (readonly [Waiting, ...Waiting[]])[] {
    const partitions = new Set([...this.#claims.keys(), ...this.#settlements.keys()]);
    return [...partitions].flatMap((partition) => {
      if (this.#isOut(partition)) return [];
      const claim = this.#claims.get(partition);
      const settlements = this.#settlements.get(partition) ?? [];
      this.#claims.delete(partition);
      this.#settlements.delete(partition);
      const admitted = [
        ...(claim !== undefined && this.#admit(claim, this.isCurrent(claim.epoch, partition)) ? [claim] : []),
        ...settlements.filter((one) => this.#admit(one, this.#isMember(one.epoch, partition))),
      ];
      const [first, ...rest] = admitted;
      return first === undefined ? [] : [[first, ...rest] as const];
    });
  }

  #admit(request: Waiting, isAdmitted: boolean): boolean {
    if (!isAdmitted) request.reject(new ClaimRefused('the group has changed since these events were read'));
    return isAdmitted;
  }

  /** From here to the call of `commit` no turn of the event loop may pass. */
  async #request(batches: readonly (readonly [Waiting, ...Waiting[]])[]): Promise<void> {
    const member = this.#member;
    if (member === undefined) return;
    const partitions = batches.map(([{ partition, content }]) => {
      const { offset, metadata } = content();
      return { partition, offset: String(offset), metadata };
    });
    const sent: Sent = {
      departure: this.#pacing.sent(),
      epoch: this.#epoch,
      parts: batches.flat(),
      topics: [{ topic: this.#options.topic, partitions }],
      answeredGeneration: undefined,
    };
    this.#out.add(sent);
    try {
      await member.commit(sent.topics);
      this.#verify(sent, member.generation);
      for (const part of sent.parts) part.resolve();
    } catch (thrown) {
      const error = asError(thrown);
      if (!isRefusal(error)) this.#inDoubt(sent.epoch, error);
      for (const part of sent.parts) part.reject(error);
    }
    this.#out.delete(sent);
    this.#pacing.answered(sent.departure);
    this.#send();
  }

  /**
   * The commit was accepted: under the generation of the membership that asked for it? Should that have ended meanwhile,
   * the claim stands all the same: whoever owns the partition next starts behind it.
   */
  #verify({ answeredGeneration }: Sent, generation: number): void {
    if (answeredGeneration === generation) return;
    const answered = answeredGeneration ?? 'an unknown one';
    throw new TrigateError('CLAIM_IN_DOUBT', `a claim was made under generation ${answered} instead of ${generation}`);
  }

  #inDoubt(epoch: number, cause: Error): void {
    if (epoch !== this.#epoch || this.#isInDoubt) return;
    this.#isInDoubt = true;
    this.#options.onDoubt(
      new TrigateError('CLAIM_IN_DOUBT', `Kafka did not answer a claim: ${cause.message}`, { cause }),
    );
  }
}
