import type { Desired } from '../../src/controller/reconcile.ts';
import { RunningSubscription, type SubscriptionProgress } from '../../src/controller/subscription.ts';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { createDelivery } from '../../src/delivery/delivery.ts';
import type { OutcomeSink } from '../../src/delivery/ledger.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Logger, Memory, SourceStatus, TriggerKind } from '../../src/domain/kind.ts';
import type { FunctionReport } from '../../src/domain/ledger.ts';
import { testCaller } from './caller.ts';
import { checkLedger } from './checker.ts';
import { eventually } from './eventually.ts';
import type { Recorder } from './recorder.ts';
import { forgetful, silent } from './topic-log.ts';

export interface SubscriptionWanted {
  readonly topic: string;
  readonly recorder: Recorder;
  /** Default: `f`. With more than one the fan-out is shared. */
  readonly functions?: readonly string[];
  /** Fields of the trigger's spec beside topic and selector. */
  readonly spec?: object;
  readonly memory?: Memory;
  readonly log?: Logger;
  /** Milliseconds. Default: 60,000. */
  readonly stallAfter?: number;
  /** The function was not selected before. Default: false. */
  readonly isJoining?: boolean;
}

/** One subscription as a controller runs it, with connections and a ledger of its own: a replica. */
export interface Replica extends AsyncDisposable {
  readonly status: SourceStatus;
  /** Every status that was seen, in order, each once in a row. */
  readonly history: readonly SourceStatus[];
  /** How far it is; undefined while no source runs. */
  progress(): SubscriptionProgress | undefined;
  /** What is seen and what to do, while its source stands still and opening it anew does not help. */
  readonly stuck: string | undefined;
  /** The ledger's row of a function; none before the first join. */
  row(name?: string): FunctionReport | undefined;
  connected(within?: number): Promise<void>;
  /** Rejects when the ledger does not balance with nothing in flight (I2). Idempotent. */
  close(): Promise<void>;
}

const nowhere = () => Promise.reject(new Error('these sources store nothing with their trigger'));

let replicas = 0;

/** @param kind closed with the replica */
export function startSubscription(
  kind: TriggerKind & { close(): Promise<void> },
  wanted: SubscriptionWanted,
  onOutcome: OutcomeSink['outcome'] = () => {},
): Replica {
  const { topic, recorder, functions = ['f'], spec = {}, memory = forgetful, log = silent } = wanted;
  const delivery = createDelivery({
    createCaller: callers(testCaller, { clock: systemClock, forbids: anyAddress }),
    sink: { outcome: onOutcome, late() {}, gap() {}, forget() {} },
    userAgent: `replica-${replicas++}`,
    clock: systemClock,
    random: Math.random,
  });
  const fanout = functions.length > 1 ? 'shared' : 'isolated';
  const parsed = kind.spec.parse({ topic, functionSelector: {}, fanout, ...spec });
  const trigger = { kind: kind.name, namespace: 'default', name: 'chaos', uid: 'u' };
  const desired: Desired = {
    key: topic,
    version: '1',
    kind,
    subscription: { trigger, spec: parsed, fanout, functions, isJoining: wanted.isJoining ?? false },
    targets: functions.map((name) => ({
      namespace: 'default',
      name,
      labels: {},
      url: recorder.url(name),
      timeout: 10_000,
    })),
  };
  const history: SourceStatus[] = [];
  const running: RunningSubscription = new RunningSubscription(desired, {
    delivery,
    clock: systemClock,
    random: Math.random,
    log,
    memory,
    store: { read: nowhere, onChange: () => () => {} },
    stallAfter: wanted.stallAfter ?? 60_000,
    onChange: () => {
      if (running.status !== history.at(-1)) history.push(running.status);
    },
  });

  let closing: Promise<void> | undefined;
  const end = async () => {
    await running.close(systemClock.monotonic() + 15_000);
    await kind.close();
    const report = delivery.report();
    const open = report.triggers.flatMap((each) => each.functions).filter(({ inFlight }) => inFlight > 0);
    const problems = [...checkLedger(report), ...open.map((row) => `still in flight: ${JSON.stringify(row)}`)];
    if (problems.length > 0) throw new Error(problems.join('\n'));
  };
  const close = () => (closing ??= end());
  return {
    get status() {
      return running.status;
    },
    history,
    progress: () => running.progress(),
    get stuck() {
      return running.state.stuck;
    },
    row: (name = functions[0]) => delivery.report().triggers[0]?.functions.find((row) => row.name === name),
    async connected(within = 30_000) {
      await eventually('the subscription is connected', () => running.status.type === 'connected' || undefined, {
        within,
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
