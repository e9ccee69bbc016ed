import type { Desired } from '../../src/controller/reconcile.ts';
import { RunningSubscription } from '../../src/controller/subscription.ts';
import { undiciCaller } from '../../src/delivery/call/undici.ts';
import { createDelivery } from '../../src/delivery/delivery.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Memory, SourceStatus } from '../../src/domain/kind.ts';
import type { FunctionReport } from '../../src/domain/ledger.ts';
import { createKafkaKind } from '../../triggers/kafka/index.ts';
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
}

/** One subscription as a controller runs it, with connections and a ledger of its own: a replica. */
export interface Replica extends AsyncDisposable {
  readonly status: SourceStatus;
  /** Every status that was seen, in order, each once in a row. */
  readonly history: readonly SourceStatus[];
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
  const kind = createKafkaKind({ brokers, sessionTimeout }, silent);
  const delivery = createDelivery({
    createCaller: undiciCaller,
    sink: { outcome() {}, late() {}, gap() {}, forget() {} },
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
    subscription: { trigger, spec: parsed, fanout, functions },
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
    log: silent,
    memory,
    store: { read: nowhere, onChange: () => () => {} },
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
