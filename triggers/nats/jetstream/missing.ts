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
 * Deliveries are numbered without a gap, and those that are left out went elsewhere: to another member, or to nobody. A
 * member that is the only one left counts the second as never sent. While others live it takes them for theirs, but after
 * it was out of reach: then it asks, and what none of them has is a gap; a number could be another's, too.
 */
export class MissingDeliveries {
  readonly #parts: MissingParts;
  readonly #runs: Untaken[] = [];
  /** Others are to be asked, and did not answer yet. */
  #mustAsk = false;
  #isClosed = false;
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

  /**
   * Names and counts them. What cannot be found out now stays for the next time. True when the books may have changed.
   * One call at a time.
   */
  async resolve({ asksLiving }: { readonly asksLiving: boolean }): Promise<boolean> {
    const { context, membership } = this.#parts;
    if (membership === undefined) this.#runs.length = 0;
    if (this.#runs.length === 0 || membership === undefined) return false;
    this.#mustAsk ||= asksLiving;
    try {
      const isAlone = await membership.isAlone();
      for (let run = this.#runs[0]; run !== undefined; run = this.#runs[0]) {
        if (isAlone || this.#mustAsk) await this.#decide(run, membership, isAlone);
        this.#runs.shift();
      }
      this.#mustAsk = false;
      return isAlone;
    } catch (thrown) {
      context.log.debug({ error: asError(thrown).message }, 'nobody says yet who had some deliveries of the consumer');
      return true;
    }
  }

  /** Nobody will find out any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#runs.length > 0 && this.#parts.membership !== undefined && this.#parts.isOurs()) this.#unresolved();
  }

  /** Without what other members had. */
  async #decide({ first, count, after, through }: Untaken, membership: Others, isAlone: boolean): Promise<void> {
    const { books, consumer, context, functions, naming, isOurs } = this.#parts;
    const last = { consumerSequence: first + count - 1, sequence: through };
    const question = { consumer: consumer.created, from: first - 1, through: last.consumerSequence };
    const had = await membership.askOthers(question);
    if (this.#isClosed || !isOurs()) return;
    if (had === undefined) return this.#unresolved();
    const isForgotten = had.since.consumerSequence >= first;
    const from = isForgotten ? had.since : { consumerSequence: first - 1, sequence: after };
    const missing = untaken(from, last, had.runs);
    if (missing.length > 0 && !isAlone) return this.#unresolved();
    const events: BareEvent[] = [];
    for (const each of missing) events.push(...(await naming.missing(each)));
    if (this.#isClosed || !isOurs()) return;
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
    const cause = 'deliveries of the consumer came to nobody, or to a member that does not say so';
    account.gap({ from: this.#since, to: clock.now(), cause });
  }
}
