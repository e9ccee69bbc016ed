import { type Clock, delay } from '../../src/sdk.ts';
import type { WatchRecord } from './checkpoint.ts';
import type { CheckpointStore, Found } from './checkpoint-store.ts';

export interface StandbyOptions {
  readonly store: CheckpointStore;
  /** Milliseconds; undefined: nobody else runs these triggers, so whoever held the watch is dead. */
  readonly leaseMs: number | undefined;
  readonly clock: Clock;
  /** Aborts when the watch is not needed any more. */
  readonly signal: AbortSignal;
  /** Another process holds the watch. Called again and again. */
  readonly onHeld: () => void;
}

/**
 * Waits until nobody holds a watch: its holder has given it back, which is told at once, or has written nothing for
 * `leaseMs`. A checkpoint that somebody deletes is its holder's to make again, for as long.
 * @returns what is stored; undefined when the signal aborts before
 * @throws TrigateError as Resources does
 */
export async function untilFree({ store, leaseMs, clock, signal, onHeld }: StandbyOptions): Promise<Found | undefined> {
  if (leaseMs === undefined) return store.find();
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  let seen: WatchRecord | undefined;
  let since = clock.monotonic();
  let givenBack: Promise<boolean> | undefined;
  try {
    while (!signal.aborted) {
      const found = seen === undefined ? await store.find() : await store.look();
      const record = found?.record;
      if (found !== undefined && (record === undefined || record.holder === '')) return found;
      if (record !== undefined && (seen?.holder !== record.holder || seen.writes !== record.writes)) {
        seen = record;
        since = clock.monotonic();
      } else if (clock.monotonic() - since >= leaseMs) return found ?? store.find();
      onHeld();
      if (found !== undefined) {
        givenBack ??= store.isGivenBack(found, either).finally(() => {
          givenBack = undefined;
        });
      }
      const pause = delay(clock, leaseMs / 3, either);
      await (givenBack === undefined
        ? pause
        : Promise.race([pause, givenBack.then((isTrue) => (isTrue ? undefined : pause))]));
    }
    return undefined;
  } finally {
    ended.abort();
  }
}
