import type { OffsetsByTopicPartition } from 'kafkajs';
import type { Claims } from '../../triggers/kafka/claim.ts';

type Topics = OffsetsByTopicPartition['topics'];

/** One OffsetCommit that is out, answered by the test. */
export interface SentCommit {
  readonly topics: Topics;
  /** Partition and offset of each part. */
  readonly offsets: Readonly<Record<number, string>>;
  /** Applied, under that generation (default: the one under which it was sent), or without a word of it. */
  accept(generation?: number | 'unsaid'): void;
  refuse(error: Error): void;
}

/** The broker's side of `Claims`, in memory. */
export class ScriptedCommits {
  /** All requests in the order in which they were sent. */
  readonly sent: SentCommit[] = [];
  /** Answers each request in the turn in which it is sent; unset: the test does. */
  onSent: ((commit: SentCommit) => void) | undefined;
  readonly #claims: () => Claims;

  constructor(claims: () => Claims) {
    this.#claims = claims;
  }

  get last(): SentCommit {
    const last = this.sent.at(-1);
    if (last === undefined) throw new Error('nothing was committed');
    return last;
  }

  /** What a membership of that generation commits with. */
  under(generation: number): (topics: Topics) => Promise<void> {
    return (topics) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const commit: SentCommit = {
        topics,
        offsets: Object.fromEntries(
          topics.flatMap(({ partitions }) => partitions.map(({ partition, offset }) => [partition, offset])),
        ),
        accept: (answered = generation) => {
          // In this order kafkajs does it.
          if (answered !== 'unsaid') this.#claims().committed(topics, answered);
          resolve();
        },
        refuse: reject,
      };
      this.sent.push(commit);
      this.onSent?.(commit);
      return promise;
    };
  }
}

/** Lets everything run that only waits for a promise or for the next turn of the loop. */
export async function loop(turns = 4): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise(setImmediate);
}
