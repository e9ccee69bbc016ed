import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Fate,
  type FetchedRecords,
  MemberBench,
  type MemberOptions,
  MemoryGroup,
} from '../../test/support/kafka-member.ts';
import { storedBy } from '../../test/support/kafka-member-checks.ts';
import { loop } from '../../test/support/scripted-commit.ts';
import { JOIN_AFTER_MS } from './pacing.ts';

/*
 * Members of one group that read, answer, settle, freeze, die and doubt in any order, over a broker in memory that applies
 * what a coordinator would apply. After every step each ledger balances and nothing was sent twice; in the end everything
 * that was published is accounted for, to the event.
 */

const PARTITIONS = 3;
const MEMBERS = 2;

type Step =
  | { readonly type: 'produce'; readonly partition: number; readonly events: number }
  | { readonly type: 'read'; readonly member: number; readonly partition: number; readonly fate: Fate }
  /** Fetches, and hands the batch over later: what the group has become meanwhile, it does not know. */
  | { readonly type: 'fetch'; readonly member: number; readonly partition: number }
  | { readonly type: 'hand-over'; readonly member: number; readonly fate: Fate }
  /** What is out comes to its end; `last`: of several the one that was sent last. */
  | { readonly type: 'finish'; readonly fate: Exclude<Fate, 'held'>; readonly last: boolean }
  /** Reads all its partitions, each when what is out for the one before can be joined by another request. */
  | { readonly type: 'sweep'; readonly member: number; readonly fate: Fate }
  /** Of all its functions, or of one of them. */
  | { readonly type: 'answer'; readonly member: number; readonly of: string | undefined }
  | { readonly type: 'settle' | 'freeze' | 'die'; readonly member: number }
  /** Who gets which partition; `patient`: waits for what is in flight. */
  | { readonly type: 'rebalance'; readonly owners: readonly number[]; readonly patient: boolean };

const member = fc.nat({ max: MEMBERS - 1 });
const partition = fc.nat({ max: PARTITIONS - 1 });
const owners = fc.array(member, { minLength: PARTITIONS, maxLength: PARTITIONS });
const fate = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Fate>('answered') },
  { weight: 3, arbitrary: fc.constantFrom<Fate>('lost', 'unanswered', 'held', 'refused') },
  { weight: 1, arbitrary: fc.constant<Fate>('held') },
);
const ending = fc.constantFrom('answered' as const, 'lost' as const, 'unanswered' as const, 'refused' as const);
const stepsOf = (functions: readonly string[]): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('produce' as const),
        partition,
        events: fc.integer({ min: 1, max: 5 }),
      }),
    },
    { weight: 8, arbitrary: fc.record({ type: fc.constant('read' as const), member, partition, fate }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('fetch' as const), member, partition }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('hand-over' as const), member, fate }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('finish' as const), fate: ending, last: fc.boolean() }) },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant('answer' as const),
        member,
        of: fc.constantFrom(undefined, ...functions),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('settle' as const), member }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('sweep' as const), member, fate }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('rebalance' as const), owners, patient: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('freeze' as const, 'die' as const), member }) },
  );

interface Setting {
  readonly delivery?: { readonly room: number; readonly concurrency: number };
  readonly functions?: readonly string[];
}

class World {
  readonly group = new MemoryGroup(PARTITIONS, 3);
  readonly #members: MemberBench[] = [];
  readonly #all: MemberBench[] = [];
  readonly #frozen = new Set<MemberBench>();
  /** Handlers that have not returned: kafkajs runs one for each partition at a time. */
  readonly #busy = new Map<MemberBench, Set<number>>();
  readonly #fetched = new Map<MemberBench, FetchedRecords[]>();
  #owners: readonly number[] = Array(PARTITIONS).fill(0);

  readonly #options: MemberOptions;
  readonly #window: number;

  constructor({ functions = ['f'], delivery }: Setting) {
    this.#options = { isEager: true, functions, ...(delivery !== undefined && { delivery }) };
    this.#window = delivery === undefined ? Number.POSITIVE_INFINITY : delivery.room + delivery.concurrency;
    for (let i = 0; i < MEMBERS; i++) this.#members.push(this.#add(new MemberBench(this.group, this.#options)));
  }

  /** Commits of one member that were on their way at a time. */
  get mostOut(): number {
    return Math.max(...this.#all.map(({ mostOut }) => mostOut));
  }

  async run(one: Step): Promise<void> {
    switch (one.type) {
      case 'produce':
        return this.group.produce(one.partition, one.events);
      case 'read':
        return this.#read(this.#at(one.member), one.partition, one.fate);
      case 'fetch':
        return this.#fetch(this.#at(one.member), one.partition);
      case 'hand-over':
        return this.#handOver(this.#at(one.member), one.fate);
      case 'finish':
        if (one.last) this.group.finishLast(one.fate);
        else this.group.finish(one.fate);
        return loop();
      case 'answer':
        return one.of === undefined ? this.#at(one.member).answer() : this.#at(one.member).answerOf(one.of);
      case 'settle':
        return this.#at(one.member).quiet();
      case 'sweep':
        return this.#sweep(this.#at(one.member), one.fate);
      case 'freeze':
        this.#frozen.add(this.#at(one.member));
        return;
      case 'die':
        this.#members[one.member] = this.#add(new MemberBench(this.group, this.#options));
        return this.rebalance(this.#owners, false);
      case 'rebalance':
        return this.rebalance(one.owners, one.patient);
      default:
        one satisfies never;
    }
  }

  /** All that are not frozen leave the generation, and join the next; those that failed are opened anew. */
  async rebalance(owners: readonly number[], patient: boolean): Promise<void> {
    this.#owners = owners;
    for (const one of this.#members) if (!this.#frozen.has(one)) await this.#leave(one, patient);
    this.group.generation++;
    for (const [i, one] of this.#members.entries()) {
      if (this.#frozen.has(one)) continue;
      const renewed = one.failures.length > 0 ? await this.#renew(one) : one;
      this.#members[i] = renewed;
      await renewed.join(this.group.generation, ...owners.flatMap((owner, each) => (owner === i ? [each] : [])));
    }
    // Whoever is frozen learns it when it wakes up.
    this.#frozen.clear();
  }

  check(): void {
    for (const one of this.#members) expect(one.bench.balanced).toBe(true);
    const sent = this.#sent();
    expect(new Set(sent).size).toBe(sent.length);
    for (const one of this.#members) expect(this.#leftInDoubtBy(one)).toBeLessThanOrEqual(this.#window);
  }

  /**
   * What a crash of that member would leave in doubt: stored as unsettled, by it, in partitions that are still its own.
   * Not by that crash what was lost when it had to leave such a partition, which came back with nobody in between: that is
   * `unknown(crash)` since it came back.
   */
  #leftInDoubtBy({ by, owned, crashed }: MemberBench): number {
    const own = [...this.group.ends.keys()].filter((each) => owned.get(each) !== undefined);
    const open = own.flatMap((each) => {
      const stored = storedBy(this.group, each);
      return stored?.by === by ? stored.open.filter((offset) => !crashed.has(`${each}/${offset}`)) : [];
    });
    return open.length;
  }

  /** Everything heals, and is read and answered to the end. */
  async finish(): Promise<void> {
    for (let round = 0; round < 2; round++) await this.rebalance([0, 1, 0], true);
    for (let round = 0; round < 200 && !this.#isDone(); round++) {
      for (const one of this.#members) {
        for (const each of one.partitions) await this.#read(one, each, 'answered');
        await one.answer();
        await one.bench.run(1_000, 500);
      }
    }
    for (const one of this.#members) await one.quiet();
    this.check();
    const produced = [...this.group.ends.values()].reduce((sum, { high }) => sum + high, 0);
    const rows = this.#members.map(({ bench }) => bench.report());
    const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
    const doubtful = sum(({ unknown, dropped }) => (unknown.crash ?? 0) + (dropped.claim_lost ?? 0));
    const delivered = sum((row) => row.delivered);
    expect({ read: sum(({ read }) => read), claimed: sum(({ claimed }) => claimed) }).toEqual({
      read: produced,
      claimed: produced,
    });
    expect(delivered + doubtful).toBe(produced);
    const sent = this.#sent().length;
    expect(sent).toBeGreaterThanOrEqual(delivered);
    expect(produced - sent).toBeLessThanOrEqual(doubtful);
  }

  async shut(): Promise<void> {
    this.group.finish('lost');
    await loop();
    for (const bench of new Set(this.#all.map((one) => one.bench))) await bench.shut();
  }

  #at(i: number): MemberBench {
    const found = this.#members[i];
    if (found === undefined) throw new Error(`there is no member ${i}`);
    return found;
  }

  #add(one: MemberBench): MemberBench {
    this.#all.push(one);
    this.#busy.set(one, new Set());
    return one;
  }

  #fetch(one: MemberBench, each: number): void {
    const fetched = one.fetch(each);
    if (fetched !== undefined) this.#fetched.set(one, [...(this.#fetched.get(one) ?? []), fetched]);
  }

  async #handOver(one: MemberBench, fate: Fate): Promise<void> {
    const fetched = this.#fetched.get(one)?.shift();
    if (fetched !== undefined) await this.#handle(one, fetched, fate);
  }

  async #read(one: MemberBench, each: number, fate: Fate): Promise<void> {
    const fetched = one.fetch(each);
    if (fetched !== undefined) await this.#handle(one, fetched, fate);
  }

  async #sweep(one: MemberBench, fate: Fate): Promise<void> {
    for (const each of one.partitions) {
      await this.#read(one, each, fate);
      await one.quiet(JOIN_AFTER_MS);
    }
  }

  async #handle(one: MemberBench, fetched: FetchedRecords, fate: Fate): Promise<void> {
    const busy = this.#busy.get(one);
    const { partition: each } = fetched;
    if (busy === undefined || busy.has(each) || one.failures.length > 0) return;
    busy.add(each);
    this.group.fate = fate;
    void one.handle(fetched).finally(() => busy.delete(each));
    await loop();
    this.group.fate = 'answered';
  }

  async #leave(one: MemberBench, patient: boolean): Promise<void> {
    this.group.finish();
    await loop();
    if (patient) await one.answer();
    await one.leave(0);
    // A handler that waits for room looks up now and then.
    await one.bench.run(1_000, 500);
    await loop();
  }

  /** As a controller does after `fail`: what was passed is drained first. */
  async #renew(one: MemberBench): Promise<MemberBench> {
    while (one.bench.report().inFlight > 0) await one.answer();
    const remembered = one.owned.remember();
    one.owned.close();
    return this.#add(
      new MemberBench(this.group, { ...this.#options, remembered, bench: one.bench, by: one.by, crashed: one.crashed }),
    );
  }

  #isDone(): boolean {
    const isRead = [...this.group.ends].every(([each, { high }]) => this.group.stored(each).offset === high);
    return isRead && this.#members.every(({ bench }) => bench.report().inFlight === 0);
  }

  #sent(): string[] {
    const benches = new Map(this.#all.map((one) => [one.bench, one]));
    return [...benches.values()].flatMap((one) => one.calls());
  }
}

/** It leaves one partition too early, gets it back from nobody, and has a claim in doubt in another one. */
const backFromNobody: Step[] = [
  { type: 'read', member: 0, partition: 2, fate: 'answered' },
  { type: 'freeze', member: 1 },
  { type: 'rebalance', owners: [0, 0, 1], patient: false },
  { type: 'answer', member: 0, of: undefined },
  { type: 'read', member: 0, partition: 0, fate: 'answered' },
  { type: 'read', member: 0, partition: 1, fate: 'unanswered' },
  { type: 'rebalance', owners: [0, 0, 0], patient: false },
];

test.each<readonly [string, Setting]>([
  ['much room', {}],
  ['little room', { delivery: { room: 4, concurrency: 2 } }],
  ['two functions that share', { functions: ['f', 'g'] }],
])(
  'at most once, and balanced to the event, whatever members do and brokers answer: %s',
  async (_, setting) => {
    let mostOut = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepsOf(setting.functions ?? ['f']), { minLength: 5, maxLength: 60 }),
        async (steps) => {
          const world = new World(setting);
          try {
            await world.rebalance([0, 1, 0], false);
            for (const one of steps) {
              await world.run(one);
              world.check();
            }
            await world.finish();
          } finally {
            await world.shut();
            mostOut = Math.max(mostOut, world.mostOut);
          }
        },
      ),
      { numRuns: 400, examples: [[backFromNobody]] },
    );
    expect(mostOut).toBe(2);
  },
  60_000,
);
