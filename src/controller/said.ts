import { isDeepStrictEqual } from 'node:util';
import type { ShownProgress, TriggerStatus } from '../domain/trigger.ts';

/** After that a replica that was contradicted says the same again, and after twice the time each further time. */
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;

interface Entry {
  /** What was written last: conditions and functions, without times. */
  readonly facts: string;
  /** How often that was written again after it had been replaced. */
  readonly repeats: number;
  readonly progress: ShownProgress | undefined;
  /** Monotonic. */
  readonly at: number;
}

/**
 * What this process has said of each trigger. Two replicas that see different things, each a part of its own or a broker
 * that only one of them reaches, contradict each other for as long as that lasts. Whoever has said something and finds it
 * replaced says it again after a pause that doubles each time; of sentences and figures alone, not at all.
 */
export class Said {
  readonly #entries = new Map<string, Entry>();

  /** Whether the last words about it were these: then another one has replaced them. */
  has(name: string, next: TriggerStatus): boolean {
    return this.#entries.get(name)?.facts === factsOf(next);
  }

  hasProgress(name: string, progress: ShownProgress | undefined): boolean {
    return isDeepStrictEqual(progress, this.#entries.get(name)?.progress);
  }

  /** When the same may be said again, monotonic. */
  again(name: string): number {
    const entry = this.#entries.get(name);
    if (entry === undefined) return 0;
    return entry.at + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(entry.repeats, 30));
  }

  /** Call it when it stands in the store. */
  say(name: string, { stored, next, progress, at }: Saying): void {
    const before = this.#entries.get(name);
    const facts = factsOf(next);
    const repeats = before?.facts === facts ? before.repeats + (isNews(stored, next) ? 1 : 0) : 0;
    this.#entries.set(name, { facts, repeats, progress: progress ?? before?.progress, at });
  }

  forget(name: string): void {
    this.#entries.delete(name);
  }
}

/** One write. */
export interface Saying {
  readonly stored: TriggerStatus | undefined;
  readonly next: TriggerStatus;
  readonly progress: ShownProgress | undefined;
  /** Monotonic. */
  readonly at: number;
}

/** What must not wait: a condition with another status or reason, or other functions. */
export function isNews(stored: TriggerStatus | undefined, next: TriggerStatus): boolean {
  const known = new Map((stored?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  const conditions = next.conditions ?? [];
  return (
    !isDeepStrictEqual(stored?.functions, next.functions) ||
    conditions.length !== known.size ||
    conditions.some(({ type, status, reason }) => known.get(type) !== `${status} ${reason}`)
  );
}

const factsOf = ({ conditions = [], functions, observedGeneration }: TriggerStatus): string =>
  JSON.stringify([
    observedGeneration,
    functions,
    conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
  ]);
