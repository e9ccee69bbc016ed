import { isDeepStrictEqual } from 'node:util';
import { asError, type Clock, delay, type StatusStore, type Stored, TrigateError } from '../../src/sdk.ts';
import { type CronRecord, newRecord, readRecord, writeRecord } from './record.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** A change that was stored, and by us. */
export interface Written {
  readonly before: CronRecord;
  readonly after: CronRecord;
}

/** Undefined: nothing to change. Called again with what is stored after each conflict, and after a write in doubt. */
export type Change = (record: CronRecord) => CronRecord | undefined;

export interface RecordStoreOptions {
  readonly store: StatusStore;
  readonly uid: string;
  /** Names this owner in what it writes. */
  readonly nonce: string;
  readonly schedule: string;
  readonly clock: Clock;
  /** Aborts when nothing more may be stored: requests under way are given up. */
  readonly ended: AbortSignal;
  /** Told about each record that is newer than the last known one, whoever wrote it. */
  readonly onRecord: (record: CronRecord) => void;
  /** Told when the API server cannot be asked, and without an error when it can again. */
  readonly onReach: (error: Error | undefined) => void;
}

/**
 * The stored record, changed by compare-and-swap, one change at a time.
 *
 *   conflict   somebody else wrote: read again and ask for the change again.
 *   in doubt   no answer: read until there is one. What we meant to write stands there: it was stored. Anything else: ask for
 *              the change again, on what stands there now.
 *   ended      requests under way are given up, and what they meant to change is in doubt: whoever comes next reads it.
 */
export class RecordStore {
  readonly #options: RecordStoreOptions;
  #stored: Stored | undefined;
  #record: CronRecord | undefined;
  #isCurrent = true;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #cancel: () => void;

  constructor(options: RecordStoreOptions) {
    this.#options = options;
    this.#cancel = options.store.onChange((stored) => this.#watched(stored));
  }

  /** As far as is known here; a change finds out whether it still stands. */
  get record(): CronRecord | undefined {
    return this.#record;
  }

  /** Whether the trigger still has the spec that it is run for, as far as is known here. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  close(): void {
    this.#cancel();
  }

  /**
   * @param apply runs in the same turn in which the answer came, before any other change
   * @returns undefined when there was nothing to change, or, for a claim, when the trigger has another spec now
   * Rejects with NOT_FOUND when the trigger is gone, and with CLAIM_IN_DOUBT when the signal aborts while nobody can say
   * what is stored.
   */
  change(
    what: { readonly type: 'claim' | 'settle'; readonly signal: AbortSignal },
    change: Change,
    apply: (written: Written) => void,
  ): Promise<Written | undefined> {
    const next = this.#queue.then(() => this.#change(what, change, apply));
    this.#queue = next.catch(() => {});
    return next;
  }

  async #change(
    { type, signal }: { readonly type: 'claim' | 'settle'; readonly signal: AbortSignal },
    change: Change,
    apply: (written: Written) => void,
  ): Promise<Written | undefined> {
    for (;;) {
      const stored = this.#stored ?? (await this.#read(signal));
      const known = readRecord(stored.value, this.#options.uid);
      if (type === 'claim' && !stored.isCurrent) return undefined;
      if (type === 'settle' && known === undefined)
        throw new TrigateError('NOT_FOUND', 'The trigger is another one now.');
      const before = known ?? newRecord(this.#options.uid, this.#options.schedule, this.#options.clock.now());
      const changed = change(before);
      if (changed === undefined) return undefined;
      const after = { ...changed, n: before.n + 1, by: this.#options.nonce };
      if (!(await this.#write(stored, after, signal))) continue;
      apply({ before, after });
      return { before, after };
    }
  }

  /** Whether it is stored. */
  async #write(stored: Stored, after: CronRecord, signal: AbortSignal): Promise<boolean> {
    const value = writeRecord(after);
    this.#stored = undefined;
    try {
      const swapped = await stored.swap(value, this.#options.ended);
      if (swapped === undefined) return false;
      this.#stored = swapped;
      this.#isCurrent = swapped.isCurrent;
      this.#record = after;
      return true;
    } catch {
      const found = await this.#read(signal);
      return isDeepStrictEqual(found.value, value);
    }
  }

  async #read(signal: AbortSignal): Promise<Stored> {
    const { store, clock, ended, onReach } = this.#options;
    for (let pause = FIRST_PAUSE_MS, isAway = false; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const stored = await store.read(ended).catch(asError);
      if (!(stored instanceof Error)) {
        this.#take(stored);
        if (isAway) onReach(undefined);
        return stored;
      }
      if (stored instanceof TrigateError && stored.code === 'NOT_FOUND') throw stored;
      if (signal.aborted) {
        const message = `nobody can say what is stored: ${stored.message}`;
        throw new TrigateError('CLAIM_IN_DOUBT', message, { cause: stored });
      }
      isAway = true;
      onReach(stored);
      await delay(clock, pause, signal);
    }
  }

  /** The watch may lag behind our own writes. */
  #watched(stored: Stored): void {
    const { uid } = this.#options;
    try {
      const record = readRecord(stored.value, uid);
      if (record !== undefined && record.n >= (this.#record?.n ?? 0)) this.#take(stored);
    } catch {
      // The next change reads it, and says what is wrong with it.
    }
  }

  #take(stored: Stored): void {
    this.#stored = stored;
    this.#isCurrent = stored.isCurrent;
    const record = readRecord(stored.value, this.#options.uid);
    if (record === undefined) return;
    const isNew = record.n > (this.#record?.n ?? 0);
    this.#record = record;
    if (isNew) this.#options.onRecord(record);
  }
}
