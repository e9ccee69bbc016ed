import { join } from 'node:path';
import type { Clock } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Logger, Memory, StatusStore } from '../../src/domain/kind.ts';
import type { Counts } from '../../src/domain/ledger.ts';
import { noCounts } from '../../src/domain/ledger.ts';
import type { StoredCoordinates } from '../../src/standalone/log/events.ts';
import type { GroupOwner } from '../../src/standalone/log/groups.ts';
import type { TopicLog, TopicLogOptions } from '../../src/standalone/log/topic-log.ts';
import { openTopicLog } from '../../src/standalone/log/topic-log.ts';

/** Remembers nothing: as if the trigger object were made anew each time. */
export const forgetful: Memory = { recall: () => undefined, remember: async () => {} };

/** For kinds whose claims do not live with the trigger object. */
export const storeless: StatusStore = {
  read: async () => {
    throw new Error('this kind keeps nothing with the trigger object');
  },
  onChange: () => () => {},
};

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export const openLogIn = (folder: string, options: Partial<TopicLogOptions> = {}): TopicLog =>
  openTopicLog({ path: join(folder, 'log.db'), clock: systemClock, log: silent, ...options });

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const message = (text: string) => ({ data: bytes(text), headers: {} });

/** Real timers, and a wall clock that stands wherever `time` says. */
export function wallClock(time: number): Clock & { time: number } {
  return {
    time,
    now() {
      return this.time;
    },
    monotonic: () => systemClock.monotonic(),
    after: (ms, callback) => systemClock.after(ms, callback),
  };
}

/** An owner that writes down what it is told, and has the counts that a test gives it. */
export class RecordingOwner implements GroupOwner {
  published: () => void;
  readonly losses: StoredCoordinates[] = [];
  readonly failures: Error[] = [];
  readonly books = new Map<string, Counts>();
  knocks = 0;

  constructor(functions: readonly string[] = ['f']) {
    for (const name of functions) this.books.set(name, noCounts());
    this.published = () => {
      this.knocks++;
    };
  }

  lost(events: readonly StoredCoordinates[]): void {
    this.losses.push(...events);
  }

  failed(error: Error): void {
    this.failures.push(error);
  }

  counts(): Iterable<readonly [string, Counts]> {
    return this.books;
  }
}

export const everything = { count: 10_000, bytes: 2 ** 30, dataBytes: 2 ** 20 };
