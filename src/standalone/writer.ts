import type { DatabaseSync } from 'node:sqlite';
import type { Cancel, Clock } from '../domain/clock.ts';
import { asError, TrigateError } from '../domain/errors.ts';

/** How long one transaction may hold up the event loop before the rest goes into the next, milliseconds. */
const TURN_BUDGET = 20;

/** How long what can wait does wait for a transaction to carry it, milliseconds. */
const LAZY_DELAY = 100;

/** What takes part in the writer's transactions. */
export interface Participant {
  /** Runs in every transaction, after the writes: stores what could wait. */
  carry(): void;
  /** The transaction stands. */
  committed(): void;
  /** Nothing of the transaction stands. */
  rolledBack(error: Error): void;
}

/** All writes go through here, many in one transaction: the price of durability is one fsync, whatever it covers. */
export interface Writer {
  /** Puts `apply` into the transaction at the end of this turn of the event loop; resolves when that stands. */
  write<T>(apply: () => T): Promise<T>;
  /** Asks for a transaction within 100 ms. */
  soon(): void;
  /** Commits now all that waits. */
  flush(): void;
  /** Commits all that waits and then `apply`, alone. Throws what it throws. */
  alone<T>(apply: () => T): T;
  /** Commits what waits; afterwards writes are refused. */
  close(): void;
}

interface Write {
  /** Answers what tells the caller, once the transaction stands. */
  apply(): () => void;
  reject(error: Error): void;
}

export function createWriter(db: DatabaseSync, clock: Clock, participant: Participant): Writer {
  let queue: Write[] = [];
  let closed = false;
  let lazy: Cancel | undefined;
  let turn: NodeJS.Immediate | undefined;
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');

  function transaction<T>(body: () => T): T {
    begin.run();
    try {
      const result = body();
      commit.run();
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  /** One transaction with as many of the waiting writes as the budget allows. */
  function commitSome(): void {
    const started = clock.monotonic();
    const taken: Write[] = [];
    const tell: (() => void)[] = [];
    try {
      transaction(() => {
        for (const write of queue) {
          taken.push(write);
          tell.push(write.apply());
          if (clock.monotonic() - started > TURN_BUDGET) break;
        }
        participant.carry();
      });
    } catch (thrown) {
      const error = asError(thrown);
      // Where it could not even begin, none of those that wait would fare better: trying again would never end.
      const refused = taken.length === 0 ? queue : taken;
      queue = queue.slice(refused.length);
      participant.rolledBack(error);
      for (const write of refused) write.reject(error);
      return;
    }
    queue = queue.slice(taken.length);
    participant.committed();
    for (const resolve of tell) resolve();
  }

  function cancelWaits(): void {
    lazy?.();
    lazy = undefined;
    clearImmediate(turn);
    turn = undefined;
  }

  function endOfTurn(): void {
    cancelWaits();
    commitSome();
    if (queue.length > 0) turn = setImmediate(endOfTurn);
  }

  function flush(): void {
    cancelWaits();
    do commitSome();
    while (queue.length > 0);
  }

  return {
    write<T>(apply: () => T): Promise<T> {
      if (closed) return Promise.reject(new TrigateError('INTERNAL', 'the database is closed'));
      return new Promise<T>((resolve, reject) => {
        queue.push({
          apply() {
            const result = apply();
            return () => resolve(result);
          },
          reject,
        });
        turn ??= setImmediate(endOfTurn);
      });
    },
    soon() {
      if (!closed) lazy ??= clock.after(LAZY_DELAY, flush);
    },
    flush,
    alone<T>(apply: () => T): T {
      flush();
      return transaction(apply);
    },
    close() {
      if (closed) return;
      closed = true;
      flush();
    },
  };
}
