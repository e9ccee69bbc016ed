import { setTimeout as pause } from 'node:timers/promises';
import type { RandomInt } from '../../support/random.ts';
import type { Direction } from '../../support/tcp-proxy.ts';
import { behaveWell, DURABLE, delivery, type Stage } from './stage.ts';

/*
 * Row 1: kill -9 at a random moment, and at each step of an event's way. No step is a hook in the program: the way to the
 * server sees the texts of the protocol, and the functions see requests.
 */

/** Arranges that `kill` is called at that step of the events that are published next. */
type Arm = (stage: Stage, random: RandomInt, kill: () => void) => void;
type Seen = (text: string, direction: Direction, stage: Stage) => boolean;

const isRequest: Seen = (text, direction, { stream }) =>
  direction === 'up' && text.includes(`CONSUMER.MSG.NEXT.${stream}.`);
const isDelivery: Seen = (text, direction, { stream }) => direction === 'down' && text.includes(`$JS.ACK.${stream}.`);
const isRecord: Seen = (text, direction) => direction === 'up' && text.includes('PUB trigate.ledger.');
const isStored: Seen = (text, direction) => direction === 'down' && text.includes('"stream":"TRIGATE_LEDGER"');
const isAcknowledgement: Seen = (text, direction) => direction === 'up' && text.includes('PUB $JS.ACK.');

/** At the first piece that has it: lost on its way, or passed on and then, after as long as the other end may need, the kill. */
const seeing =
  (isIt: Seen, verdict: 'pass' | 'swallow'): Arm =>
  (stage, random, kill) => {
    stage.watch((piece, direction) => {
      if (!isIt(piece.toString('latin1'), direction, stage)) return 'pass';
      stage.watch();
      if (verdict === 'swallow') kill();
      else setTimeout(kill, random(0, 3));
      return verdict;
    });
  };

/** Every request is shown as its head has come. */
function onRequest({ recorder }: Stage, afterMs: number, see: () => void): void {
  for (const name of DURABLE)
    recorder.behave(name, () => {
      see();
      return { type: 'answer', status: 200, afterMs };
    });
}

/** Behind one of the next requests, as it has come in full. */
const atBody =
  (afterMs: number, waitAtMost: number): Arm =>
  (stage, random, kill) => {
    let left = random(1, 20);
    for (const name of DURABLE) stage.recorder.behave(name, { type: 'answer', status: 200, afterMs });
    void stage.recorder
      .waitFor('a request has come', () => --left < 0)
      .then(() => pause(random(0, waitAtMost)))
      .then(kill, () => {});
  };

export const steps: Readonly<Record<string, Arm>> = {
  'random moment': (_stage, random, kill) => void setTimeout(kill, random(0, 300)),
  'request on its way': seeing(isRequest, 'swallow'),
  'request sent': seeing(isRequest, 'pass'),
  'delivery on its way': seeing(isDelivery, 'swallow'),
  'delivery received': seeing(isDelivery, 'pass'),
  queued(stage, _random, kill) {
    const before = DURABLE.map((name) => stage.recorder.of(name).length);
    const isFull = () =>
      DURABLE.some((name, i) => stage.recorder.of(name).length - (before[i] ?? 0) >= delivery.concurrency);
    onRequest(stage, 100, () => {
      if (isFull()) kill();
    });
  },
  'head of a call sent'(stage, random, kill) {
    let left = random(1, 20);
    onRequest(stage, 0, () => {
      if (--left === 0) kill();
    });
  },
  'body of a call sent': atBody(100, 0),
  'answer read': atBody(0, 2),
  'record on its way': seeing(isRecord, 'swallow'),
  'record sent': seeing(isRecord, 'pass'),
  'record stored': seeing(isStored, 'pass'),
  'acknowledgements on their way': seeing(isAcknowledgement, 'swallow'),
  'acknowledgements sent': seeing(isAcknowledgement, 'pass'),
};

const ARMED_MS = 10_000;

/** Kills at that step under load, and starts again. False: the step did not come, and it was killed all the same. */
export async function killAt(stage: Stage, step: string, random: RandomInt): Promise<boolean> {
  const { promise: killed, resolve } = Promise.withResolvers<boolean>();
  const kill = () => {
    void stage.gateway.kill('SIGKILL');
    resolve(true);
  };
  steps[step]?.(stage, random, kill);
  const count = random(20, 200);
  const publishing = Promise.all([stage.publish(count), stage.publishLive(count)]);
  const armed = new AbortController();
  const came = await Promise.race([killed, pause(ARMED_MS, false, { signal: armed.signal }).catch(() => false)]);
  armed.abort();
  if (!came) await stage.gateway.kill('SIGKILL');
  await publishing;
  await stage.gateway.exited();
  stage.watch();
  behaveWell(stage.recorder);
  await stage.gateway.restart();
  return came;
}
