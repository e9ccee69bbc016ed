import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { Clock } from '../../src/domain/clock.ts';
import type { Source, SourceStatus, StatusStore, Stored } from '../../src/domain/kind.ts';
import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { type CronRecord, readRecord } from '../../triggers/cronjob/record.ts';
import type { CronJobTriggerSpec, cronJobTriggerSpec } from '../../triggers/cronjob/spec.ts';
import { OutletBench, turns } from './outlet.ts';
import { forgetful, silent } from './topic-log.ts';

export const UID = 'trigger-uid';

/** What becomes of a write: stored and answered; refused without an answer; stored, and the answer is lost. */
export type Fate = 'answered' | 'lost' | 'storedUnsaid';

/** The status of one trigger object, shared by all members, with faults of an API server. */
export class SharedStatus {
  value: unknown;
  version = 0;
  writes = 0;
  isDown = false;
  /** Requests are taken and never answered. */
  isSilent = false;
  /** The spec that the object has; a member that runs another one may claim nothing. */
  spec: CronJobTriggerSpec | undefined;
  fate: () => Fate = () => 'answered';
  readonly #watching = new Set<() => void>();

  get record(): CronRecord {
    const record = readRecord(JSON.parse(JSON.stringify(this.value)), UID);
    if (record === undefined) throw new Error('nothing is stored');
    return record;
  }

  /** Somebody writes another part of the object. */
  touch(): void {
    this.version++;
  }

  /** Somebody has edited the trigger. */
  tell(): void {
    this.version++;
    for (const tell of this.#watching) tell();
  }

  /** As one member sees it. A member that is dead hears nothing any more. */
  storeFor(spec: CronJobTriggerSpec, isDead: () => boolean): StatusStore {
    const alive = async <T>(answer: () => T, signal?: AbortSignal): Promise<T> => {
      await turns(2);
      if (isDead()) return new Promise(() => {});
      return this.isSilent ? aborted(signal) : answer();
    };
    const seen = (): Stored => {
      const { value, version } = this;
      return {
        value,
        isCurrent: this.spec === undefined || isDeepStrictEqual(this.spec, spec),
        swap: async (next, signal) => {
          await turns(2);
          if (isDead()) return new Promise(() => {});
          if (this.isSilent) return aborted(signal);
          const fate = this.isDown ? 'lost' : this.fate();
          const isWon = fate !== 'lost' && this.version === version;
          if (isWon) this.#write(next);
          return alive(() => {
            if (fate !== 'answered') throw new Error('no answer came');
            return isWon ? seen() : undefined;
          });
        },
      };
    };
    return {
      read: (signal) =>
        alive(() => {
          if (this.isDown) throw new Error('connect ECONNREFUSED');
          return seen();
        }, signal),
      onChange: (listener) => {
        const tell = () => void turns(3).then(() => isDead() || listener(seen()));
        this.#watching.add(tell);
        return () => this.#watching.delete(tell);
      },
    };
  }

  #write(value: unknown): void {
    this.value = JSON.parse(JSON.stringify(value));
    this.version++;
    this.writes++;
    for (const tell of this.#watching) tell();
  }
}

/** Rejects when the signal aborts; never without one. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export interface MemberOptions {
  readonly spec?: Partial<z.input<typeof cronJobTriggerSpec>> & { readonly [field: string]: unknown };
  readonly functions?: readonly string[];
  readonly alone?: boolean;
  /** How far ahead it claims at the least. */
  readonly leadMs?: number;
  /** Added to its wall clock from the start. */
  readonly skew?: number;
  /** Milliseconds that its functions take; undefined: the test answers. */
  readonly takes?: number | undefined;
}

/** A process, as the stored status sees it: a clock of its own that a test can set, and the real delivery core. */
export class CronMember {
  readonly bench: OutletBench;
  readonly statuses: SourceStatus[] = [];
  readonly failures: Error[] = [];
  /** Added to its wall clock. */
  skew = 0;
  isDead = false;
  #source: Source | undefined;
  readonly #abort = new AbortController();

  private constructor(options: MemberOptions) {
    this.bench = new OutletBench({ functions: options.functions ?? ['f'] });
    const { takes = 5 } = options;
    if (!('takes' in options) || options.takes !== undefined)
      for (const name of this.bench.names) this.bench.f(name).takes(takes);
  }

  static async open(status: SharedStatus, options: MemberOptions = {}): Promise<CronMember> {
    const member = new CronMember(options);
    const { bench } = member;
    member.skew = options.skew ?? 0;
    const kind = createCronJobKind({
      alone: options.alone ?? false,
      ...(options.leadMs !== undefined && { leadMs: options.leadMs }),
    });
    const spec = kind.spec.parse({ schedule: '@every 10s', 'function-name': 'f', ...options.spec });
    const clock: Clock = {
      now: () => bench.clock.now() + member.skew,
      monotonic: () => bench.clock.monotonic(),
      after: (ms, callback) => bench.clock.after(ms, () => member.isDead || callback()),
    };
    const opening = kind.open(
      {
        trigger: { kind: 'cronjob', namespace: 'default', name: 't', uid: UID },
        spec,
        fanout: spec.fanout,
        functions: bench.names,
      },
      {
        gate: bench.gate,
        account: bench.outlet.account,
        log: silent,
        clock,
        memory: forgetful,
        store: status.storeFor(spec, () => member.isDead),
        signal: member.#abort.signal,
        report: (said) => void member.statuses.push(said),
        fail: (error) => void member.failures.push(error),
      },
    );
    member.#source = await opening;
    return member;
  }

  /** Ends as a killed process does: it hears, says and counts nothing from now on. */
  kill(): void {
    this.isDead = true;
  }

  /** Scheduled times of all calls that left. */
  get fired(): string[] {
    return this.bench.names.flatMap((name) =>
      this.bench
        .f(name)
        .calls.flatMap(({ request }) => request.headers[request.headers.indexOf('event-scheduled-time') + 1] ?? []),
    );
  }

  /** Event ids of all requests of which a byte left. */
  get ids(): string[] {
    return this.bench.names.flatMap((name) => this.bench.f(name).firstBytes.map((id) => `${name} ${id}`));
  }

  async close(): Promise<void> {
    if (this.isDead) return;
    const { clock } = this.bench;
    let isClosed = false;
    const closing = this.#source?.close(clock.monotonic() + 5_000).then(() => {
      isClosed = true;
    });
    while (!isClosed) await this.bench.run(100);
    await closing;
    await this.bench.shut();
  }
}

/** Moves the time of members on together, in steps. */
export async function pass(members: readonly CronMember[], ms: number, step = 100): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    for (const { bench, isDead } of members) if (!isDead) bench.clock.advance(Math.min(step, left));
    await turns(40);
  }
}
