import type { Desired } from '../../src/controller/reconcile.ts';
import { RunningSubscription, type SubscriptionProgress } from '../../src/controller/subscription.ts';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { createDelivery } from '../../src/delivery/delivery.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Logger, Memory, SourceStatus } from '../../src/domain/kind.ts';
import type { FunctionReport } from '../../src/domain/ledger.ts';
import type { DroppedReason } from '../../src/domain/outcome.ts';
import { createKafkaKind, type KafkaConnection } from '../../triggers/kafka/index.ts';
import { checkLedger } from './checker.ts';
import { eventually } from './eventually.ts';
import type { Recorder } from './recorder.ts';
import { forgetful, silent } from './topic-log.ts';

export interface SubscriptionWanted {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly recorder: Recorder;
  /** Default: `f`. With more than one the fan-out is shared. */
  readonly functions?: readonly string[];
  /** Fields of the trigger's spec beside topic and selector. */
  readonly spec?: object;
  /** Milliseconds. Default: 6,000. */
  readonly sessionTimeout?: number;
  readonly memory?: Memory;
  /** How to reach the brokers, beside their addresses. */
  readonly connection?: Pick<KafkaConnection, 'tls' | 'login' | 'askEndsEvery'>;
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
  /** What the feed says of copies that were dropped, in order. */
  readonly dropped: readonly { partition: number; offset: string; functionName: string; reason: DroppedReason }[];
  /** The ledger's row of a function; none before the first join. */
  row(name?: string): FunctionReport | undefined;
  connected(within?: number): Promise<void>;
  /** Rejects when the ledger does not balance with nothing in flight (I2). Idempotent. */
  close(): Promise<void>;
}

const nowhere = () => Promise.reject(new Error('a Kafka source stores nothing with its trigger'));

let replicas = 0;

export function startReplica(wanted: SubscriptionWanted): Replica {
  const { brokers, topic, recorder, functions = ['f'], spec = {}, sessionTimeout = 6_000, memory = forgetful } = wanted;
  const { connection, log = silent, stallAfter = 60_000 } = wanted;
  const kind = createKafkaKind({ ...connection, brokers, sessionTimeout }, log);
  const dropped: Replica['dropped'][number][] = [];
  const delivery = createDelivery({
    createCaller: callers('http1', { clock: systemClock, forbids: anyAddress }),
    sink: {
      outcome(_, { coordinates }, functionName, outcome) {
        if (outcome.type !== 'dropped' || coordinates.type !== 'kafka') return;
        const { partition, offset } = coordinates;
        dropped.push({ partition, offset, functionName, reason: outcome.reason });
      },
      late() {},
      gap() {},
      forget() {},
    },
    userAgent: `replica-${replicas++}`,
    clock: systemClock,
    random: Math.random,
  });
  const fanout = functions.length > 1 ? 'shared' : 'isolated';
  const parsed = kind.spec.parse({ topic, functionSelector: {}, fanout, ...spec });
  const trigger = { kind: 'kafka', namespace: 'default', name: 'chaos', uid: 'u' };
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
    stallAfter,
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
    dropped,
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
