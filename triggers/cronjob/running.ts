import type { Outcome, Passage } from '../../src/sdk.ts';
import { closeTicks, type EndedTick } from './books.ts';
import type { CronRecord, OpenTick } from './record.ts';

/** How long a claimer is taken to be alive without a word of it. */
export const LEASE_MS = 180_000;

interface Running {
  readonly tick: number;
  passage: Passage | undefined;
  /** One for each function, when the tick is finished and that is not stored yet. */
  outcomes: readonly Outcome[] | undefined;
}

/** The ticks that this process has claimed and whose end is not stored yet. */
export class RunningTicks {
  readonly #nonce: string;
  readonly #ticks = new Map<string, Running>();

  constructor(nonce: string) {
    this.#nonce = nonce;
  }

  get size(): number {
    return this.#ticks.size;
  }

  /** From the claim on, before anything else can happen. */
  claimed(key: string, tick: number): void {
    this.#ticks.set(key, { tick, passage: undefined, outcomes: undefined });
  }

  /** Its claim is given back: it is no more ours than before. */
  gaveBack(key: string): void {
    this.#ticks.delete(key);
  }

  passed(key: string, passage: Passage): void {
    const running = this.#ticks.get(key);
    if (running !== undefined) running.passage = passage;
  }

  finished(key: string, outcomes: readonly Outcome[]): void {
    const running = this.#ticks.get(key);
    if (running !== undefined) running.outcomes = outcomes;
  }

  /** Gives up the calls of ticks before that one. */
  abortBefore(tick: number): void {
    for (const running of [...this.#ticks.values()]) if (running.tick < tick) running.passage?.abort();
  }

  /** Whether a claimed tick is still under way here. */
  #isRunning({ key, by }: OpenTick): boolean {
    return by === this.#nonce && this.#ticks.has(key);
  }

  /** Whether the call of an earlier tick is under way, here or elsewhere. */
  isAnyAlive({ open }: CronRecord, now: number): boolean {
    return open.some((each) =>
      each.by === this.#nonce
        ? this.#ticks.get(each.key)?.outcomes === undefined && this.#ticks.has(each.key)
        : each.until > now,
    );
  }

  /**
   * Open ticks of which nothing more will come: of a claimer that has fallen silent, or our own of a claim in doubt.
   * @param alone nobody else runs this trigger, so that every other claimer is a dead predecessor
   */
  dead({ open }: CronRecord, now: number, alone: boolean): EndedTick[] {
    return open
      .filter((each) => !this.#isRunning(each) && (each.by === this.#nonce || alone || each.until <= now))
      .map((tick) => {
        const outcome: Outcome =
          tick.by === this.#nonce
            ? { type: 'dropped', reason: 'claim_lost' }
            : { type: 'unknown', reason: 'crash', ms: 0 };
        return { tick, outcomes: tick.functions.map(() => outcome) };
      });
  }

  /** The record with our finished ticks closed and our leases moved on; undefined when it would be the same. */
  settle(record: CronRecord, now: number): CronRecord | undefined {
    const ended = record.open.flatMap((tick) => {
      const outcomes = this.#isRunning(tick) ? this.#ticks.get(tick.key)?.outcomes : undefined;
      return outcomes === undefined ? [] : [{ tick, outcomes }];
    });
    const isLeaseShort = record.open.some((tick) => this.#isRunning(tick) && tick.until - now < LEASE_MS / 2);
    if (ended.length === 0 && !isLeaseShort) return undefined;
    const closed = closeTicks(record, ended);
    const open = closed.open.map((tick) => (this.#isRunning(tick) ? { ...tick, until: now + LEASE_MS } : tick));
    return { ...closed, open };
  }

  /** When a lease has to be moved on. */
  leaseEnds({ open }: CronRecord): number | undefined {
    const ends = open.filter((tick) => this.#isRunning(tick)).map(({ until }) => until - LEASE_MS / 2);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** When other claimers will have been silent for too long. */
  ends({ open }: CronRecord): number[] {
    return open.filter(({ by }) => by !== this.#nonce).map(({ until }) => until);
  }

  /** The object is gone: there is nowhere to store them. */
  forgetFinished(): void {
    for (const [key, { outcomes }] of this.#ticks) if (outcomes !== undefined) this.#ticks.delete(key);
  }

  /**
   * Forgets finished ticks that are not open any more in what is stored.
   * @returns those that were open before as well: somebody else has counted them
   */
  forget(record: CronRecord, before: CronRecord | undefined): (readonly Outcome[])[] {
    const isIn = ({ open }: CronRecord, key: string) =>
      open.some((each) => each.key === key && each.by === this.#nonce);
    const lost: (readonly Outcome[])[] = [];
    for (const [key, { outcomes }] of this.#ticks) {
      if (outcomes === undefined || isIn(record, key)) continue;
      this.#ticks.delete(key);
      if (before === undefined || !isIn(before, key)) lost.push(outcomes);
    }
    return lost;
  }
}
