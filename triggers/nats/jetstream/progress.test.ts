import { expect, test } from 'vitest';
import { TrigateError } from '../../../src/sdk.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { turns } from '../../../test/support/outlet.ts';
import type { ConsumerFacts } from './api.ts';
import { JetStreamProgress } from './progress.ts';

const facts = (waiting: number, ackPending = 0): ConsumerFacts => ({
  created: 'then',
  settings: { ackPolicy: 'explicit', maxDeliver: 1, ackWait: 1, maxAckPending: 8, filter: 'a' },
  isPush: false,
  delivered: { sequence: 0, consumerSequence: 0 },
  ackFloor: { sequence: 0, consumerSequence: 0 },
  ackPending,
  waiting,
});

function scene(answers: () => Promise<ConsumerFacts>) {
  const clock = new ManualClock();
  let asked = 0;
  const ask = () => {
    asked++;
    return answers();
  };
  const options = { name: 's/c', clock, isPaused: false, ask, unsettled: () => 0, redelivered: () => 0 };
  const progress = new JetStreamProgress(options, facts(0));
  return {
    progress,
    asked: () => asked,
    async pass(seconds: number) {
      for (let i = 0; i < seconds; i++) {
        clock.advance(1_000);
        await turns();
      }
    },
    clock,
  };
}

test('asks every ten seconds, but not while deliveries tell', async () => {
  const { progress, asked, pass, clock } = scene(async () => facts(0));
  progress.start();
  await pass(35);
  expect(asked()).toBe(3);
  for (let i = 0; i < 10; i++) {
    progress.delivered(5);
    await pass(5);
  }
  expect(asked()).toBe(3);
  progress.stop();
  await pass(60);
  expect(asked()).toBe(3);
  expect(clock.pending).toBe(0);
});

test('events that wait and do not come are no movement: a source that stands still is seen', async () => {
  const { progress, pass } = scene(async () => facts(12));
  progress.start();
  await pass(60);
  expect(progress.progress()).toMatchObject({ movedAt: 0, held: false, parts: [{ lag: 12 }] });
  progress.delivered(11);
  expect(progress.progress()).toMatchObject({ movedAt: 60_000, parts: [{ lag: 11 }] });
  progress.stop();
});

test('with as much pending as the consumer may have, it is held', async () => {
  const { progress, pass } = scene(async () => facts(12, 8));
  progress.start();
  await pass(11);
  expect(progress.progress().held).toBe(true);
  progress.delivered(3);
  expect(progress.progress().held).toBe(false);
  progress.stop();
});

test('a server that does not answer changes nothing, and is asked again', async () => {
  const { progress, asked, pass } = scene(() => Promise.reject(new Error('timeout')));
  progress.start();
  await pass(25);
  expect(asked()).toBe(2);
  expect(progress.progress()).toMatchObject({ movedAt: 0, parts: [{ lag: 0 }] });
  progress.stop();
});

test('a consumer that is gone is told, also by a source that pulls nothing', async () => {
  const { progress, pass } = scene(() => Promise.reject(new TrigateError('NOT_FOUND', 'it was deleted')));
  const gone: string[] = [];
  progress.onGone = ({ message }) => {
    gone.push(message);
    progress.stop();
  };
  progress.start();
  await pass(60);
  expect(gone).toEqual(['it was deleted']);
});
