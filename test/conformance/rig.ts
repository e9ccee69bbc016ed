import type { z } from 'zod';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { createDelivery, type Delivery, type Outlet } from '../../src/delivery/delivery.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Gate, Source, SourceContext, SourceStatus } from '../../src/domain/kind.ts';
import type { FunctionReport, Gap } from '../../src/domain/ledger.ts';
import type { delivery, Fanout } from '../../src/domain/trigger.ts';
import { testCaller } from '../support/caller.ts';
import { checkLedger } from '../support/checker.ts';
import { eventually } from '../support/eventually.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { forgetful, silent, storeless } from '../support/topic-log.ts';
import type { Broker, ConformanceTopic, Connection } from './harness.ts';

export type FunctionName = 'f' | 'g';

/** A subscription, as a case wants it. */
export interface Wanted {
  /** Default: one, `f`. */
  readonly functions?: readonly FunctionName[];
  readonly fanout?: Fanout;
  /** Name of the trigger: what a position belongs to. Default: `t`. */
  readonly trigger?: string;
  readonly startFrom?: 'newest' | 'earliest';
  readonly paused?: boolean;
  /** The function was not selected before. Default: false. */
  readonly isJoining?: boolean;
  readonly delivery?: z.input<typeof delivery>;
  /** Stands in for the real gate. */
  readonly gate?: Gate;
  readonly signal?: AbortSignal;
}

export interface Reading {
  readonly source: Source;
  readonly failures: readonly Error[];
  readonly statuses: readonly SourceStatus[];
  /** Closes the source first, and the gate only then: it has to stop reserving by itself. */
  close(): Promise<void>;
  /** Ends without waiting for what it passed. */
  abandon(): Promise<void>;
}

/** A process, as the broker sees it: connections of its own, and the real delivery core. */
export interface Member {
  open(topic: ConformanceTopic, wanted?: Wanted): Promise<Reading>;
  row(trigger?: string, name?: FunctionName): FunctionReport;
  gaps(trigger?: string): readonly Gap[];
  /** Closes what is still open. Rejects when the ledger does not balance with nothing in flight (I2). */
  close(): Promise<void>;
  /** Leaves as a process that was killed would: its counts are nobody's any more. */
  abandon(): Promise<void>;
}

/** What one case works with. Whatever it makes goes away with it. */
export class Rig implements AsyncDisposable {
  readonly recorder: Recorder;
  readonly #broker: Broker;
  readonly #members = new Set<Member>();
  readonly #topics: ConformanceTopic[] = [];

  private constructor(broker: Broker, recorder: Recorder) {
    this.#broker = broker;
    this.recorder = recorder;
  }

  static async start(broker: Broker): Promise<Rig> {
    return new Rig(broker, await startRecorder<FunctionName>(['f', 'g'], undefined, broker.published));
  }

  async topic(): Promise<ConformanceTopic> {
    const topic = await this.#broker.createTopic();
    this.#topics.push(topic);
    return topic;
  }

  member(connection: Connection = this.#broker.connect()): Member {
    const member = createMember(this.#broker, connection, this.recorder, () => this.#members.delete(member));
    this.#members.add(member);
    return member;
  }

  until(what: string, isTrue: () => boolean): Promise<boolean> {
    return eventually(what, isTrue, { within: PATIENCE_MS });
  }

  nowhere(): Member {
    return this.member(this.#broker.connectNowhere());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _recorder = this.recorder;
    const closed = await Promise.allSettled([...this.#members].map((member) => member.close()));
    await Promise.all(this.#topics.map((topic) => topic.delete()));
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }
}

const PATIENCE_MS = 20_000;
const deadline = (ms = PATIENCE_MS) => systemClock.monotonic() + ms;

function createMember(broker: Broker, connection: Connection, recorder: Recorder, onEnd: () => void): Member {
  const core = createDelivery({
    createCaller: callers(testCaller, { clock: systemClock, forbids: anyAddress }),
    sink: { outcome() {}, late() {}, gap() {}, forget() {} },
    userAgent: 'conformance',
    clock: systemClock,
    random: Math.random,
  });
  const readings = new Set<Reading>();
  const end = async (how: 'close' | 'abandon') => {
    onEnd();
    await Promise.all([...readings].map((reading) => reading[how]()));
    await connection.close();
  };
  return {
    async open(topic, wanted = {}) {
      const uid = (await broker.declare?.(wanted.trigger ?? 't')) ?? 'u';
      const reading = await openReading(connection, core, recorder, topic, { ...wanted, uid });
      readings.add(reading);
      return reading;
    },
    row: (trigger = 't', name = 'f') => rowOf(core, trigger, name),
    gaps: (trigger = 't') => core.report().triggers.find(({ name }) => name === trigger)?.gaps ?? [],
    async close() {
      await end('close');
      const problems = checkLedger(core.report());
      const open = core.report().triggers.flatMap(({ functions }) => functions.filter(({ inFlight }) => inFlight > 0));
      if (problems.length + open.length === 0) return;
      throw new Error(`the ledger does not balance: ${[...problems, ...open.map((row) => JSON.stringify(row))]}`);
    },
    abandon: () => end('abandon'),
  };
}

async function openReading(
  { kind }: Connection,
  core: Delivery,
  recorder: Recorder,
  topic: ConformanceTopic,
  wanted: Wanted & { readonly uid: string },
): Promise<Reading> {
  const { functions = ['f'], fanout = 'isolated', trigger: name = 't', uid, gate, signal, ...more } = wanted;
  const { startFrom = 'newest', paused = false, isJoining = false, delivery = {} } = more;
  const spec = kind.spec.parse({ topic: topic.pattern, functionSelector: {}, fanout, startFrom, paused, delivery });
  const trigger = { kind: kind.name, namespace: 'default', name, uid };
  const subscription = { trigger, spec, fanout, functions, isJoining };
  const targets = functions.map((target) => ({
    namespace: 'default',
    name: target,
    labels: {},
    url: recorder.url(target),
    timeout: 60_000,
  }));
  const outlet = core.open(kind, subscription, targets);
  const failures: Error[] = [];
  const statuses: SourceStatus[] = [];
  const ended = new AbortController();
  const context: SourceContext = {
    gate: gate ?? outlet.gate,
    account: outlet.account,
    log: silent,
    clock: systemClock,
    memory: forgetful,
    store: storeless,
    signal: signal ?? ended.signal,
    report: (status) => void statuses.push(status),
    fail: (error) => void failures.push(error),
  };
  try {
    const source = await kind.open(subscription, context);
    return reading(source, outlet, { failures, statuses });
  } catch (error) {
    await closeOutlet(outlet, deadline());
    throw error;
  }
}

function reading(source: Source, outlet: Outlet, seen: Pick<Reading, 'failures' | 'statuses'>): Reading {
  let ending: Promise<void> | undefined;
  const end = async (until: number) => {
    await source.close(until);
    await closeOutlet(outlet, until);
  };
  return {
    source,
    ...seen,
    close: () => (ending ??= end(deadline())),
    abandon: () => (ending ??= end(deadline(0))),
  };
}

async function closeOutlet(outlet: Outlet, until: number): Promise<void> {
  await outlet.drain(until);
  await outlet.close();
}

function rowOf(core: Delivery, trigger: string, name: FunctionName): FunctionReport {
  const found = core.report().triggers.find((each) => each.name === trigger);
  const row = found?.functions.find((each) => each.name === name);
  if (row === undefined) throw new Error(`the ledger has no row for ${trigger} → ${name}`);
  return row;
}
