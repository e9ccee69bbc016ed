import { asError, type SourceContext } from '../../../src/sdk.ts';
import type { BareEvent } from '../event.ts';
import type { ConsumerFacts } from './api.ts';
import type { Books } from './books.ts';
import type { Membership } from './membership.ts';
import type { Naming } from './naming.ts';
import { type Untaken, untaken } from './taken.ts';
import { type Doubt, NEVER_SENT, tellDoubts } from './takeover.ts';

type Others = Pick<Membership, 'isAlone' | 'askOthers'>;

export interface MissingParts {
  readonly books: Books;
  readonly consumer: Pick<ConsumerFacts, 'created'>;
  readonly context: Pick<SourceContext, 'account' | 'clock' | 'log'>;
  readonly functions: readonly string[];
  /** Undefined: nobody can be asked. */
  readonly membership: Others | undefined;
  readonly naming: Pick<Naming, 'missing'>;
  /** False when our records are another's. */
  readonly isOurs: () => boolean;
}

/**
 * Deliveries are numbered without a gap, and those that are left out went elsewhere: to another member, or to nobody. The
 * second are counted as never sent, as soon as it is known: while members live that may have got them, they are theirs.
 */
export class MissingDeliveries {
  readonly #parts: MissingParts;
  readonly #runs: Untaken[] = [];
  /** Milliseconds since the epoch. */
  readonly #since: number;

  constructor(parts: MissingParts) {
    this.#parts = parts;
    this.#since = parts.context.clock.now();
  }

  /** All up to this one that the books do not know. */
  upTo(consumerSequence: number, through: number): void {
    const { last } = this.#parts.books;
    const count = consumerSequence - last.consumerSequence;
    const first = last.consumerSequence + 1;
    if (count > 0) this.#runs.push({ first, count, after: last.sequence, through });
  }

  /** Names and counts them. What cannot be found out now stays for the next time. True when the books may have changed. */
  async resolve(): Promise<boolean> {
    const { context, membership } = this.#parts;
    const runs = this.#runs.splice(0);
    if (runs.length === 0 || membership === undefined) return false;
    try {
      if (!(await membership.isAlone())) return false;
      for (let run = runs[0]; run !== undefined; run = runs[0]) {
        await this.#count(run, membership);
        runs.shift();
      }
    } catch (thrown) {
      this.#runs.unshift(...runs);
      context.log.debug({ error: asError(thrown).message }, 'nobody says yet who had some deliveries of the consumer');
    }
    return true;
  }

  /** Nobody will find out any more. */
  close(): void {
    if (this.#runs.length > 0 && this.#parts.membership !== undefined && this.#parts.isOurs()) this.#unresolved();
  }

  /** Without what members had that have left since. */
  async #count({ first, count, after, through }: Untaken, membership: Others): Promise<void> {
    const { books, consumer, context, functions, naming, isOurs } = this.#parts;
    const last = { consumerSequence: first + count - 1, sequence: through };
    const question = { consumer: consumer.created, from: first - 1, through: last.consumerSequence };
    const had = await membership.askOthers(question);
    if (had === undefined) return this.#unresolved();
    const isForgotten = had.since.consumerSequence >= first;
    const from = isForgotten ? had.since : { consumerSequence: first - 1, sequence: after };
    const missing = untaken(from, last, had.runs);
    const events: BareEvent[] = [];
    for (const each of missing) events.push(...(await naming.missing(each)));
    if (!isOurs()) return;
    for (const each of missing) {
      books.lost(each, NEVER_SENT);
      context.log.warn({ ...each }, 'deliveries of the consumer came to nobody');
    }
    const doubts = events.map((event): Doubt => ({ event, outcome: NEVER_SENT, functions, isNew: true }));
    tellDoubts(context.account, doubts);
    if (isForgotten) this.#unresolved();
  }

  #unresolved(): void {
    const { account, clock } = this.#parts.context;
    const cause = 'deliveries of the consumer came to nobody, or to a member that has left and does not say so';
    account.gap({ from: this.#since, to: clock.now(), cause });
  }
}
