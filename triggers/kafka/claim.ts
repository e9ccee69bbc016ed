import type { OffsetsByTopicPartition } from 'kafkajs';
import { asError, type Claimed, type Event, markClaimed, TrigateError } from '../../src/sdk.ts';
import { isRefusal } from './kafkajs.ts';

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
 * **Coalescing.** Kafka 4.1 appends commits with a linger of 5 ms and serves a connection one request at a time, so the
 * commits of all partitions travel together: while one request is out, the next is gathered. What other partitions have
 * settled rides along, so that after each claim no more is unsettled at the broker than really is: that bounds what a crash
 * leaves in doubt.
 */

/** Commits under the generation that kafkajs holds in the turn of the call. */
export type Commit = (topics: OffsetsByTopicPartition['topics']) => Promise<void>;

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
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A claim that was not made, and is not in doubt: its events are read again by whoever holds the position. */
export class ClaimRefused extends Error {
  override readonly name = 'ClaimRefused';
}

export class Claims {
  readonly #topic: string;
  readonly #onDoubt: (error: Error) => void;
  #epoch = 0;
  #member: { readonly generation: number; readonly assigned: ReadonlySet<number>; readonly commit: Commit } | undefined;
  #isInDoubt = false;
  #isHeld = false;
  #claims = new Map<number, Waiting>();
  #settlements = new Map<number, Waiting[]>();
  #isSending = false;
  #isOut = false;
  #turns: (() => void)[] = [];
  #onIdle: () => void = () => {};
  /** The request that is out, to be found again in the event that kafkajs emits when it was answered. */
  #sent: OffsetsByTopicPartition['topics'] | undefined;
  #answeredGeneration: number | undefined;

  /** @param onDoubt called once per membership, when it may commit nothing more */
  constructor(topic: string, onDoubt: (error: Error) => void) {
    this.#topic = topic;
    this.#onDoubt = onDoubt;
  }

  /** Called in the turn in which a request is put together: what is settled then goes with it. */
  onGather: () => void = () => {};

  /** Changes with every membership. Take it when a batch arrives. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A membership begins. */
  joined(generation: number, partitions: readonly number[], commit: Commit): void {
    this.#epoch++;
    this.#member = { generation, assigned: new Set(partitions), commit };
    this.#isInDoubt = false;
    this.#isHeld = false;
  }

  /** The membership is about to end: nothing more is claimed, and what is claimed can still be settled. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Resolves when no request is out, none waits, and those whose claims were answered have passed their events. */
  idle(): Promise<void> {
    if (!this.#isSending) return Promise.resolve();
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
    if (topics === this.#sent) this.#answeredGeneration = generation;
  }

  /** Whether events of that partition, read under that epoch, may be claimed. */
  isCurrent(epoch: number, partition: number): boolean {
    return !this.#isHeld && this.#isMember(epoch, partition);
  }

  /** Resolves when a claim would leave with the next request, without waiting for one that is out. */
  turn(): Promise<void> {
    if (!this.#isOut) return Promise.resolve();
    return new Promise((resolve) => this.#turns.push(resolve));
  }

  /**
   * Records a position behind these events, and makes them ours. At most one claim of a partition may wait at a time.
   * Rejects with `ClaimRefused` when the membership has changed, with the broker's refusal, or with the error that left the
   * claim in doubt.
   */
  async claim(events: readonly Event[], request: CommitRequest): Promise<readonly Claimed<Event>[]> {
    await new Promise<void>((resolve, reject) => {
      this.#claims.get(request.partition)?.reject(new ClaimRefused('another claim of that partition came after it'));
      this.#claims.set(request.partition, { ...request, resolve, reject });
      this.#send();
    });
    return markClaimed(events);
  }

  /** Stores a partition as it is. A claim of that partition which travels with it says it all. Rejects like `claim`. */
  settle(request: CommitRequest): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const waiting = this.#settlements.get(request.partition) ?? [];
      this.#settlements.set(request.partition, [...waiting, { ...request, resolve, reject }]);
      this.#send();
    });
  }

  #isMember(epoch: number, partition: number): boolean {
    return epoch === this.#epoch && !this.#isInDoubt && this.#member?.assigned.has(partition) === true;
  }

  #send(): void {
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (;;) {
      // The handlers of one fetch answer run within a turn, and so do those that were just answered: let them all come in.
      await new Promise(setImmediate);
      if (this.#claims.size > 0) this.onGather();
      const batches = this.#gather();
      if (batches.length === 0) break;
      this.#isOut = true;
      await this.#request(batches);
      this.#isOut = false;
      for (const go of this.#turns.splice(0)) go();
    }
    this.#isSending = false;
    const tell = this.#onIdle;
    this.#onIdle = () => {};
    tell();
  }

  /** What waits, by partition; the first of each tells what is stored. */
  #gather(): (readonly [Waiting, ...Waiting[]])[] {
    const claims = this.#claims;
    const settlements = this.#settlements;
    this.#claims = new Map();
    this.#settlements = new Map();
    const partitions = new Set([...claims.keys(), ...settlements.keys()]);
    return [...partitions].flatMap((partition) => {
      const claim = claims.get(partition);
      const admitted = [
        ...(claim !== undefined && this.#admit(claim, this.isCurrent(claim.epoch, partition)) ? [claim] : []),
        ...(settlements.get(partition) ?? []).filter((one) => this.#admit(one, this.#isMember(one.epoch, partition))),
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
    const waiting = batches.flat();
    const member = this.#member;
    if (member === undefined) return;
    const epoch = this.#epoch;
    const partitions = batches.map(([{ partition, content }]) => {
      const { offset, metadata } = content();
      return { partition, offset: String(offset), metadata };
    });
    const topics = [{ topic: this.#topic, partitions }];
    this.#sent = topics;
    this.#answeredGeneration = undefined;
    try {
      await member.commit(topics);
      this.#verify(member.generation);
      for (const request of waiting) request.resolve();
    } catch (thrown) {
      const error = asError(thrown);
      if (!isRefusal(error)) this.#inDoubt(epoch, error);
      for (const request of waiting) request.reject(error);
    } finally {
      this.#sent = undefined;
    }
  }

  /**
   * The commit was accepted: under the generation of the membership that asked for it? Should that have ended meanwhile,
   * the claim stands all the same: whoever owns the partition next starts behind it.
   */
  #verify(generation: number): void {
    if (this.#answeredGeneration === generation) return;
    const answered = this.#answeredGeneration ?? 'an unknown one';
    throw new TrigateError('CLAIM_IN_DOUBT', `a claim was made under generation ${answered} instead of ${generation}`);
  }

  #inDoubt(epoch: number, cause: Error): void {
    if (epoch !== this.#epoch || this.#isInDoubt) return;
    this.#isInDoubt = true;
    this.#onDoubt(new TrigateError('CLAIM_IN_DOUBT', `Kafka did not answer a claim: ${cause.message}`, { cause }));
  }
}
