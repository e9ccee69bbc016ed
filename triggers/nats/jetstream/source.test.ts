import { expect, onTestFinished, test } from 'vitest';
import { OutletBench, turns } from '../../../test/support/outlet.ts';
import { forgetful, silent, storeless } from '../../../test/support/topic-log.ts';
import type { Msg } from '../client.ts';
import type { Link } from '../connection.ts';
import type { ConsumerFacts } from './api.ts';
import { JetStreamProgress } from './progress.ts';
import type { Pulled } from './pull.ts';
import { JetStreamSource, type Reads } from './source.ts';

const facts: ConsumerFacts = {
  created: 'then',
  settings: { ackPolicy: 'explicit', maxDeliver: 1, ackWait: 1, maxAckPending: 8, filter: 'a' },
  isPush: false,
  delivered: { sequence: 0, consumerSequence: 0 },
  ackFloor: { sequence: 0, consumerSequence: 0 },
  ackPending: 0,
  waiting: 0,
};

const message: Msg = {
  subject: 'orders',
  sid: 1,
  data: new Uint8Array(0),
  respond: () => false,
  json() {
    throw new Error('nobody reads it here');
  },
  string: () => '',
};

const link: Link = {
  askEvery: undefined,
  lostSince: undefined,
  connect: () => Promise.reject(new Error('nobody connects here')),
  follow: () => () => {},
  close: async () => {},
};

/** A reading whose pulls end as the test says; the one behind them stays out. */
class ScriptedReading implements Reads {
  readonly description = 'reads';
  onTaken = () => {};
  waiting = 0;
  /** How many events each pull asked for. */
  readonly pulls: number[] = [];
  readonly #script: (() => Pulled)[];

  constructor(...script: (() => Pulled)[]) {
    this.#script = script;
  }

  pull(batch: number): Promise<Pulled> {
    this.pulls.push(batch);
    const end = this.#script.shift();
    return end === undefined ? new Promise(() => {}) : Promise.resolve(end());
  }

  headroom = async () => 100;
  resolveGaps = async () => {};
  allSettled = async () => {};
  close = async () => {};
  leave(): void {}
  disconnected(): void {}

  resync = async (): Promise<ConsumerFacts> => {
    // What the server had sent before it was asked comes before its answer, late, and is all that was waiting.
    this.waiting = 0;
    return facts;
  };
}

function start(reading: ScriptedReading): void {
  const { clock, outlet } = new OutletBench();
  const failures: Error[] = [];
  const progress = new JetStreamProgress(
    { name: 's/c', clock, isPaused: false, ask: async () => facts, unsettled: () => 0, redelivered: () => 0 },
    facts,
  );
  const context = {
    gate: outlet.gate,
    account: outlet.account,
    log: silent,
    clock,
    memory: forgetful,
    store: storeless,
    signal: new AbortController().signal,
    report() {},
    fail: (error: Error) => void failures.push(error),
  };
  const source = new JetStreamSource(link, reading, progress, context);
  source.start(false);
  onTestFinished(async () => {
    const closed = source.close(clock.monotonic());
    clock.advance(1);
    await closed;
    expect(failures).toEqual([]);
  });
}

test('a source goes on as idle when all that was waiting comes late, behind a pull that was not answered', async () => {
  const reading = new ScriptedReading(() => {
    reading.waiting = 2;
    return { messages: [message], end: { type: 'silent' } };
  });
  start(reading);
  await turns(100);
  expect(reading.pulls).toEqual([1, 1]);
});
