import { byDeadline, type Event, groupName, noCounts, type SourceContext, type Subscription } from '../../src/sdk.ts';
import { adopt, type Doubtful, type Remembered } from './adopt.ts';
import type { Claims, Stored } from './claim.ts';
import type { Group, StoredPosition } from './membership.ts';
import { decodeMetadata } from './metadata.ts';
import { OwnedPartition } from './partition.ts';
import type { KafkaTriggerSpec } from './spec.ts';
import { type GroupMemory, groupMemory, type LostPosition, type Start, startOf } from './start.ts';
import { Wakeups } from './wakeups.ts';

/** What was settled is stored this long afterwards, unless a claim of its partition takes it along. */
const SETTLE_AFTER_MS = 500;

export interface OwnershipOptions {
  /** Names this process in what it stores. */
  readonly by: string;
  readonly subscription: Subscription<KafkaTriggerSpec>;
  readonly claims: Claims;
  readonly context: SourceContext;
  readonly remembered: ReadonlyMap<number, Remembered> | undefined;
  readonly bare: (partition: number, offset: number) => Pick<Event, 'id' | 'time' | 'coordinates'>;
}

/** The partitions that are ours: taken over at each join, settled while they are ours, given up when they are not. */
export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #partitions = new Map<number, OwnedPartition>();
  readonly #remembered: Map<number, Remembered>;
  #isFirstJoin = true;
  /** Until its positions are stored. */
  #isJoining: boolean;
  #cancelSettle: (() => void) | undefined;
  #isClosed = false;
  readonly #onQuiet = new Wakeups();

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#isJoining = options.subscription.isJoining === true;
    this.#remembered = new Map(options.remembered);
    options.claims.onGather = () => void this.settle();
    options.claims.inDoubt = () => this.#sum(({ inDoubt }) => inDoubt);
  }

  get(partition: number): OwnedPartition | undefined {
    return this.#partitions.get(partition);
  }

  all(): Iterable<OwnedPartition> {
    return this.#partitions.values();
  }

  /** Nothing is claimed any more; what is in flight may end until the deadline, and is settled while that still counts. */
  async leave(group: Group, deadline: number, heartbeatEvery: number): Promise<void> {
    const { clock } = this.#options.context;
    this.#options.claims.hold();
    await this.#options.claims.idle();
    while (this.#unsettled > 0 && clock.monotonic() < deadline) {
      await this.#quiet(Math.min(deadline, clock.monotonic() + heartbeatEvery));
      // The answer is known: the group is rebalancing. It keeps the session alive.
      await group.heartbeat().catch(() => {});
    }
    await this.settle();
    this.#options.claims.left();
  }

  /** Takes over what the group gives, before anything is fetched. Answers with the positions that are lost and held. */
  async join(group: Group): Promise<readonly LostPosition[]> {
    const { claims, context, subscription } = this.#options;
    const all = await group.positions();
    const stored = all.filter(({ partition }) => group.partitions.includes(partition));
    const memory = this.#memory();
    const ends = await group.ends();
    const nowhere = { low: 0, high: 0 };
    const starts = stored.map((position) =>
      startOf(position, ends.get(position.partition) ?? nowhere, subscription.spec, memory, this.#isJoining),
    );
    if (this.#isFirstJoin) for (const name of subscription.functions) context.account.restore(name, noCounts());
    this.#isFirstJoin = false;
    this.#giveUp(stored);
    for (const start of starts) if (!this.#partitions.has(start.partition)) this.#takeOver(start);
    claims.joined(group);
    const moved = starts.filter((start) => start.type === 'first' || start.type === 'moved');
    await this.#store(moved.flatMap(({ partition }) => this.#partitions.get(partition) ?? []));
    this.#settleSoon();
    this.#isJoining = false;
    await this.#remember(memory ?? { partitions: all.length, positioned: [] }, starts);
    return starts.filter((start) => start.type === 'held');
  }

  #memory(): GroupMemory | undefined {
    const { context, subscription } = this.#options;
    return groupMemory.safeParse(context.memory.recall(groupName(subscription, subscription.spec.topic))).data;
  }

  /** That these partitions have a position now. What is not remembered now is at the next join. */
  async #remember(memory: GroupMemory, starts: readonly Start[]): Promise<void> {
    const { context, subscription } = this.#options;
    const positioned = starts.filter(({ type }) => type !== 'held').map(({ partition }) => partition);
    const all = [...new Set([...memory.positioned, ...positioned])].sort((a, b) => a - b);
    if (all.length === memory.positioned.length) return;
    try {
      await context.memory.remember(groupName(subscription, subscription.spec.topic), { ...memory, positioned: all });
    } catch (error) {
      context.log.debug({ error }, 'the positions of a group were not remembered');
    }
  }

  /** Stores what is settled and not stored. Never rejects: what is not stored now is stored by whoever comes next. */
  async settle(): Promise<void> {
    await this.#store([...this.#partitions.values()].filter(({ isDirty }) => isDirty)).catch(() => {});
  }

  /** Claims nothing more, and resolves when all that is claimed is settled, or at the deadline. */
  async rest(deadline: number): Promise<void> {
    const { claims, context } = this.#options;
    claims.hold();
    await byDeadline(context.clock, deadline, claims.idle());
    await this.#quiet(deadline);
  }

  /** Resolves when nothing is unsettled, or at the deadline. */
  #quiet(deadline: number): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    const { clock } = this.#options.context;
    return this.#onQuiet.wait(clock, Math.max(0, deadline - clock.monotonic()));
  }

  /** For the next source of this group in this process. */
  remember(): ReadonlyMap<number, Remembered> {
    const { by, subscription } = this.#options;
    const known = [...this.#partitions.values()].map(({ partition, position, counts }) => {
      return [partition, { by, functions: subscription.functions, position, counts }] as const;
    });
    return new Map(known);
  }

  /** What is still claimed or settled after this is not ours any more. */
  close(): void {
    this.#isClosed = true;
    this.#cancelSettle?.();
    this.#options.claims.left();
    for (const owned of this.#partitions.values()) owned.lose();
  }

  get #unsettled(): number {
    return this.#sum(({ unsettled }) => unsettled);
  }

  #sum(of: (owned: OwnedPartition) => number): number {
    let sum = 0;
    for (const owned of this.#partitions.values()) sum += of(owned);
    return sum;
  }

  /** Partitions that are not ours any more, and those that somebody else had in between. */
  #giveUp(positions: readonly StoredPosition[]): void {
    const { account } = this.#options.context;
    for (const [partition, owned] of this.#partitions) {
      const stored = positions.find((position) => position.partition === partition);
      if (stored !== undefined && this.#isUnchanged(owned, stored)) continue;
      owned.lose();
      for (const [name, counts] of owned.counts) account.release(name, counts);
      this.#partitions.delete(partition);
    }
    this.#tellIfQuiet();
  }

  #isUnchanged(owned: OwnedPartition, stored: StoredPosition): boolean {
    if (stored.offset !== owned.position) return false;
    const by = decodeMetadata(stored.metadata, this.#options.subscription.functions)?.by;
    return by === undefined || by === this.#options.by;
  }

  #takeOver(start: Start): void {
    const { partition, offset, metadata } = start;
    const { by, context, subscription, bare } = this.#options;
    const remembered = this.#remembered.get(partition);
    // Once: what becomes of the partition from now on, it does not know.
    this.#remembered.delete(partition);
    const { counts, doubtful } = adopt(metadata, subscription.functions, remembered);
    for (const [name, own] of counts) context.account.adopt(name, own);
    const owned = new OwnedPartition(partition, offset, by, subscription.functions, counts, () => this.#settled());
    this.#partitions.set(partition, owned);
    owned.adopted(decodeMetadata(metadata, subscription.functions)?.open.length ?? 0);
    // Outcomes that are remembered may not be stored.
    if (remembered !== undefined) owned.markDirty();
    for (const copy of doubtful) {
      owned.count(copy.functionName, copy.outcome);
      context.account.inDoubt(bare(partition, copy.offset), copy.functionName, copy.outcome);
    }
    if (doubtful.length > 0) this.#tell(partition, doubtful);
    if (start.type === 'moved') this.#countMoved(owned, start);
  }

  /** The position was moved over events that are not read: counted where it is known how many they are. */
  #countMoved(owned: OwnedPartition, { passed, reason, cause }: Start & { type: 'moved' }): void {
    const { account, clock } = this.#options.context;
    if (passed === undefined) {
      account.gap({ from: clock.now(), to: clock.now(), cause });
    } else {
      account.lost(passed, reason);
      owned.lost(passed, reason);
    }
  }

  #tell(partition: number, doubtful: readonly Doubtful[]): void {
    const { context, subscription } = this.#options;
    const offsets = [...new Set(doubtful.map(({ offset }) => offset))];
    const fields = {
      topic: subscription.spec.topic,
      partition,
      from: offsets[0],
      to: offsets.at(-1),
      copies: doubtful.length,
    };
    context.log.warn(fields, 'copies were claimed by an owner that is gone, and never settled; they are counted');
  }

  #settled(): void {
    this.#settleSoon();
    this.#tellIfQuiet();
  }

  #tellIfQuiet(): void {
    if (!this.#onQuiet.isEmpty && this.#unsettled === 0) this.#onQuiet.wake();
  }

  #settleSoon(): void {
    if (this.#cancelSettle !== undefined || this.#isClosed) return;
    this.#cancelSettle = this.#options.context.clock.after(SETTLE_AFTER_MS, () => {
      this.#cancelSettle = undefined;
      void this.settle();
    });
  }

  /** Stores partitions as they are. */
  async #store(partitions: readonly OwnedPartition[]): Promise<void> {
    const { claims } = this.#options;
    await Promise.all(
      partitions.map((owned) => {
        const content = (): Stored => owned.stored();
        return claims.settle({ epoch: claims.epoch, partition: owned.partition, content }).then(
          () => owned.recorded(),
          (error) => {
            owned.markDirty();
            throw error;
          },
        );
      }),
    );
  }
}
