import type { EachBatchPayload, OffsetsByTopicPartition } from 'kafkajs';
import { type Claimed, type Event, markClaimed, TrigateError } from '../../src/sdk.ts';
import { isRefusal } from './kafkajs.ts';

/*
 * A claim is an OffsetCommit that stands before the events are passed on.
 *
 * **Whose commit was it?** The coordinator checks member and generation, not that the member owns the partition
 * (KAFKA-19779), so a commit under a generation in which the partition is no longer ours would be accepted. kafkajs reads
 * the generation in the same turn in which the commit is called, and may rejoin while a handler runs (tulios/kafkajs#1046).
 * So every membership has an epoch here, which ends with anything that may change the generation. A claim is sent only in
 * the turn that found its epoch current and its partition assigned, and counts only if the COMMIT_OFFSETS event of that
 * very request shows the generation of that epoch.
 *
 * **In doubt.** A commit whose answer did not come may have been applied, or may be applied later. Its events are neither
 * passed nor counted, and nothing more is committed under this membership: a later commit could be overtaken by it.
 *
 * **Coalescing.** Kafka 4.1 appends commits with a linger of 5 ms and serves a connection one request at a time, so the
 * claims of all partitions travel together: while one request is out, the next is gathered.
 */

/** Commits, when called, under the generation that kafkajs holds in that turn. */
export type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

interface Waiting {
  readonly epoch: number;
  readonly partition: number;
  /** The position after the claim: last claimed offset + 1. */
  readonly offset: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Ends a handler whose claim was not made. The events were not passed; whoever holds the position next reads them. */
export class ClaimRefused extends Error {
  override readonly name = 'ClaimRefused';
}

export class Claims {
  readonly #topic: string;
  readonly #onDoubt: (error: Error) => void;
  #epoch = 0;
  #isMember = false;
  #assigned: ReadonlySet<number> = new Set();
  #generation: number | undefined;
  #doubt: Error | undefined;
  #gathered = new Map<number, Waiting>();
  #commit: Commit | undefined;
  #isSending = false;
  /** The request that is out, to be found again in the event that kafkajs emits when it was answered. */
  #sent: OffsetsByTopicPartition['topics'] | undefined;
  #answeredGeneration: number | undefined;

  /** @param onDoubt called once per membership, when it may claim nothing more */
  constructor(topic: string, onDoubt: (error: Error) => void) {
    this.#topic = topic;
    this.#onDoubt = onDoubt;
  }

  /** Changes with every membership. Take it when a batch arrives. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A membership begins. */
  joined(partitions: readonly number[]): void {
    this.#epoch++;
    this.#isMember = true;
    this.#assigned = new Set(partitions);
    this.#generation = undefined;
    this.#doubt = undefined;
  }

  /** Anything after which the generation may be another one: rebalance, stop, crash, lost connection. */
  left(): void {
    this.#epoch++;
    this.#isMember = false;
  }

  /** What kafkajs says of a commit that was answered. */
  committed(topics: OffsetsByTopicPartition['topics'], generation: number): void {
    if (topics === this.#sent) this.#answeredGeneration = generation;
  }

  isCurrent(epoch: number, partition: number): boolean {
    return this.#isMember && epoch === this.#epoch && this.#assigned.has(partition) && this.#doubt === undefined;
  }

  /**
   * Records that everything before `offset` is taken, and makes the events ours. Rejects with `ClaimRefused` when the
   * membership has changed, or with the error that left the claim in doubt.
   */
  async claim(
    events: readonly Event[],
    at: { epoch: number; partition: number; offset: string },
    commit: Commit,
  ): Promise<readonly Claimed<Event>[]> {
    await new Promise<void>((resolve, reject) => {
      this.#gathered.set(at.partition, { ...at, resolve, reject });
      this.#commit = commit;
      this.#send();
    });
    return markClaimed(events);
  }

  #send(): void {
    if (this.#isSending || this.#gathered.size === 0) return;
    this.#isSending = true;
    // The handlers of one fetch answer run within a turn: let them all come in.
    setImmediate(() => void this.#sendGathered());
  }

  async #sendGathered(): Promise<void> {
    const waiting = [...this.#gathered.values()].filter((claim) => this.#admit(claim));
    this.#gathered = new Map();
    if (waiting.length > 0 && this.#commit !== undefined) await this.#request(waiting, this.#commit);
    this.#isSending = false;
    this.#send();
  }

  #admit(claim: Waiting): boolean {
    if (this.isCurrent(claim.epoch, claim.partition)) return true;
    claim.reject(this.#doubt ?? new ClaimRefused('the group has changed since these events were read'));
    return false;
  }

  async #request(waiting: readonly Waiting[], commit: Commit): Promise<void> {
    const epoch = this.#epoch;
    const generation = this.#generation;
    const partitions = waiting.map(({ partition, offset }) => ({ partition, offset }));
    const topics = [{ topic: this.#topic, partitions }];
    this.#sent = topics;
    this.#answeredGeneration = undefined;
    try {
      await commit({ topics });
      this.#verify(epoch, generation);
      for (const claim of waiting) claim.resolve();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      if (!isRefusal(error)) this.#inDoubt(epoch, error);
      for (const claim of waiting) claim.reject(error);
    } finally {
      this.#sent = undefined;
    }
  }

  /**
   * The commit was accepted: under the generation of the epoch that asked for it? Should the epoch have ended meanwhile,
   * the claim stands all the same: whoever owns the partition next starts behind it.
   */
  #verify(epoch: number, known: number | undefined): void {
    const answered = this.#answeredGeneration;
    if (answered === undefined)
      throw new TrigateError('CLAIM_IN_DOUBT', 'kafkajs did not say how a commit was answered');
    if (known !== undefined && answered !== known) {
      throw new TrigateError('CLAIM_IN_DOUBT', `a claim was made under generation ${answered} instead of ${known}`);
    }
    if (epoch === this.#epoch) this.#generation = answered;
  }

  #inDoubt(epoch: number, cause: Error): void {
    if (epoch !== this.#epoch || this.#doubt !== undefined) return;
    this.#doubt = cause;
    this.#onDoubt(new TrigateError('CLAIM_IN_DOUBT', `Kafka did not answer a claim: ${cause.message}`, { cause }));
  }
}
