import kafkajs from 'kafkajs';
import { type ClaimRefused, Claims } from '../../triggers/kafka/claim.ts';
import { ManualClock } from './manual-clock.ts';
import { event } from './outlet.ts';
import { ScriptedCommits } from './scripted-commit.ts';

/** What came of it, or `pending`. */
export class Watched {
  outcome = 'pending';

  constructor(promise: Promise<unknown>) {
    promise.then(
      () => {
        this.outcome = 'done';
      },
      (reason: Error) => {
        this.outcome = reason.name === ('ClaimRefused' satisfies ClaimRefused['name']) ? 'refused' : reason.message;
      },
    );
  }
}

/** The claims of one consumer, over commits that a test answers. */
export class ClaimsBench {
  readonly clock = new ManualClock();
  readonly doubts: Error[] = [];
  readonly claims = new Claims({
    topic: 'orders',
    clock: this.clock,
    window: 100,
    onDoubt: (doubt) => this.doubts.push(doubt),
  });
  readonly commits = new ScriptedCommits(() => this.claims);
  /** Whether a second request has a connection. */
  canJoin = true;

  /** Joins a generation, with four partitions. */
  join(generation = 1, partitions: readonly number[] = [0, 1, 2, 3]): void {
    const commit = this.commits.under(generation);
    this.claims.joined({ generation, partitions, commit, canJoin: () => this.canJoin });
  }

  request(partition: number, offset: number, epoch = this.claims.epoch) {
    return { epoch, partition, content: () => ({ offset, metadata: `m${offset}` }) };
  }

  claim(partition: number, offset: number, epoch?: number, events = 0): Watched {
    const claimed = Array.from({ length: events }, () => event('e'));
    return new Watched(this.claims.claim(claimed, this.request(partition, offset, epoch)));
  }

  settle(partition: number, offset: number, epoch?: number): Watched {
    return new Watched(this.claims.settle(this.request(partition, offset, epoch)));
  }
}

export const timedOut = () => new kafkajs.KafkaJSRequestTimeoutError('Request OffsetCommit timed out', {} as never);
