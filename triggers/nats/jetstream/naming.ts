import type { BareEvent, StreamEvents } from '../event.ts';
import type { JetStreamApi } from './api.ts';

/** Deliveries that did not come to us: so many, of events between two places in the stream. */
export interface Missing {
  readonly count: number;
  /** Behind this sequence. */
  readonly after: number;
  /** Up to and with this one. */
  readonly through: number;
}

/** More are counted, and not looked up. */
const MOST_NAMED = 5_000;

/** Finds the names of events of which only their places are known. What the stream keeps no more has no id. */
export class Naming {
  readonly #api: JetStreamApi;
  readonly #stream: string;
  readonly #subject: string;
  readonly #events: StreamEvents;

  constructor(api: JetStreamApi, stream: string, subject: string, events: StreamEvents) {
    this.#api = api;
    this.#stream = stream;
    this.#subject = subject;
    this.#events = events;
  }

  async at(sequences: readonly number[]): Promise<BareEvent[]> {
    const named: BareEvent[] = [];
    for (const sequence of sequences) named.push(await this.#one(sequence));
    return named;
  }

  /** The consumer goes through its stream in order: what it delivered lies before all that it did not. */
  async missing({ count, after, through }: Missing): Promise<BareEvent[]> {
    const named: BareEvent[] = [];
    for (let sequence = after + 1; named.length < Math.min(count, MOST_NAMED); ) {
      const found = await this.#api.message(this.#stream, sequence, this.#subject);
      if (found === undefined || found.sequence > through) break;
      named.push(this.#events.bare(found.sequence, found.time, found.subject));
      sequence = found.sequence + 1;
    }
    while (named.length < count) named.push(this.#events.gone(this.#subject));
    return named;
  }

  async #one(sequence: number): Promise<BareEvent> {
    const found = await this.#api.message(this.#stream, sequence, this.#subject);
    return found?.sequence === sequence
      ? this.#events.bare(sequence, found.time, found.subject)
      : this.#events.gone(this.#subject, sequence);
  }
}
