import { setTimeout as pause } from 'node:timers/promises';
import { apiKeys, type Frame, isClaim, isCommit, type Verdict } from '../../support/kafka-proxy.ts';
import { delivery, functions, type Stage } from './stage.ts';

/*
 * Row 1: kill -9 at a random moment, and at each step of an event's way. No step is a hook in the program: the proxy sees
 * commits, fetches and their answers, and the function sees requests.
 */

/** Arranges that `kill` is called at that step of the events that are published next. */
type Arm = (stage: Stage, kill: () => void) => void;

const isSettle = (frame: Frame) => isCommit(frame) && frame.direction === 'request' && !isClaim(frame);
/** Longer than one that has no records. */
const isFetched = ({ apiKey, direction, bytes }: Frame) =>
  apiKey === apiKeys.fetch && direction === 'answer' && bytes.length > 400;

/** At the first such frame; `verdict` says what becomes of it. */
const onFrame =
  (matches: (frame: Frame) => boolean, verdict: Verdict, when: 'before' | 'behind' = 'before'): Arm =>
  (stage, kill) => {
    stage.wire.watch(stage.topic.name, (frame) => {
      if (!matches(frame)) return 'pass';
      stage.wire.watch(stage.topic.name);
      if (when === 'before') kill();
      else setTimeout(kill, stage.random(0, 3));
      return verdict;
    });
  };

export const steps: Readonly<Record<string, Arm>> = {
  'random moment': (stage, kill) => void setTimeout(kill, stage.random(0, 300)),
  'after fetch': onFrame(isFetched, 'pass', 'behind'),
  'commit on its way': onFrame(isClaim, 'swallow'),
  'commit sent': onFrame(isClaim, 'pass'),
  'commit answered'(stage, kill) {
    let isClaimed = false;
    const isAnswered = (frame: Frame) => {
      isClaimed ||= isClaim(frame);
      return isClaimed && isCommit(frame) && frame.direction === 'answer';
    };
    onFrame(isAnswered, 'pass', 'behind')(stage, kill);
  },
  queued(stage, kill) {
    const before = functions.map((name) => stage.recorder.of(name).length);
    const isFull = () =>
      functions.some((name, i) => stage.recorder.of(name).length - (before[i] ?? 0) >= delivery.concurrency);
    for (const name of functions) {
      stage.recorder.behave(name, () => {
        if (isFull()) kill();
        return { type: 'answer', status: 200, afterMs: 100 };
      });
    }
  },
  'headers sent'(stage, kill) {
    let left = stage.random(1, 20);
    for (const name of functions) {
      stage.recorder.behave(name, () => {
        if (--left === 0) kill();
        return { type: 'answer', status: 200 };
      });
    }
  },
  'body sent'(stage, kill) {
    let left = stage.random(1, 20);
    for (const name of functions) stage.recorder.behave(name, { type: 'answer', status: 200, afterMs: 100 });
    void stage.recorder.waitFor('a body', () => --left < 0, 30_000).then(kill, () => {});
  },
  'response read'(stage, kill) {
    let left = stage.random(1, 20);
    for (const name of functions) stage.recorder.behave(name, { type: 'answer', status: 200 });
    void stage.recorder
      .waitFor('an answer', () => --left < 0, 30_000)
      .then(() => pause(stage.random(0, 2)))
      .then(kill, () => {});
  },
  'settle sent': onFrame(isSettle, 'pass'),
};

const ARMED_MS = 30_000;

/** Kills at that step under load, and starts again. False: the step did not come, and it was killed all the same. */
export async function killAt(stage: Stage, step: string): Promise<boolean> {
  const { promise: killed, resolve } = Promise.withResolvers<boolean>();
  const kill = () => {
    void stage.gateway.kill('SIGKILL');
    resolve(true);
  };
  steps[step]?.(stage, kill);
  const publishing = stage.publish(stage.random(20, 200));
  const armed = new AbortController();
  const came = await Promise.race([killed, pause(ARMED_MS, false, { signal: armed.signal }).catch(() => false)]);
  armed.abort();
  if (!came) await stage.gateway.kill('SIGKILL');
  await publishing;
  await stage.gateway.exited();
  stage.wire.watch(stage.topic.name);
  stage.behaveWell();
  await stage.gateway.restart();
  return came;
}
