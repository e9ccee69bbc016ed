import { type Subscription, TrigateError, z } from '../../../src/sdk.ts';
import type { NatsTriggerSpec } from '../spec.ts';
import type { ConsumerFacts, ConsumerSettings, JetStreamApi, StartAt, StreamFacts } from './api.ts';
import type { MemberRecord } from './record.ts';

const NANOSECONDS = 1_000_000;
/** For what neither time to live nor time-out count: pulling, queues of the server, storing the record. */
const ACK_MARGIN_MS = 30_000;
/** Where nobody says how long a call may take. */
const LONGEST_CALL_MS = 15 * 60_000;
/** Members that share a consumer without one holding up the others; what is in doubt stands in it too. */
const MEMBERS = 4;

type Wanted = Pick<Subscription<NatsTriggerSpec>, 'spec' | 'functionTimeout'>;

/** Explicit acknowledgement and one delivery: the recorded delivery is the claim. */
export function consumerSettings({ spec, functionTimeout }: Wanted): ConsumerSettings {
  const { topic, delivery } = spec;
  const { ttl, timeout = functionTimeout ?? LONGEST_CALL_MS, room, concurrency } = delivery;
  return {
    ackPolicy: 'explicit',
    maxDeliver: 1,
    ackWait: Math.ceil(ttl + timeout + ACK_MARGIN_MS) * NANOSECONDS,
    maxAckPending: MEMBERS * (room + concurrency),
    filter: topic,
  };
}

/** The named stream, or the one that has the subject. @throws TrigateError NOT_FOUND, INVALID_ARGUMENT */
export async function findStream(api: JetStreamApi, { topic, jetstream }: NatsTriggerSpec): Promise<StreamFacts> {
  const wanted = jetstream?.stream;
  const names = await api.streamsOf(topic);
  if (wanted === undefined && names.length > 1) {
    const several = `the streams ${names.join(', ')} all have events of ${topic}`;
    throw new TrigateError('INVALID_ARGUMENT', `${several}; name one of them in spec.jetstream.stream`);
  }
  const name = wanted ?? names[0];
  const stream = name === undefined ? undefined : await api.stream(name);
  if (stream === undefined) {
    const missing =
      wanted === undefined ? `no stream of NATS has the subject ${topic}` : `NATS has no stream ${wanted}`;
    throw new TrigateError('NOT_FOUND', `${missing}; the trigger connects when there is one`);
  }
  // The server makes a consumer all the same, and nothing ever comes.
  if (!stream.isFed && !names.includes(stream.name)) {
    const missing = `stream ${stream.name} does not have the subject ${topic}`;
    throw new TrigateError('NOT_FOUND', `${missing}; the trigger connects when it does`);
  }
  return stream;
}

/** What is known of a position when its consumer is not there. */
export interface Known {
  /** Of members whose slots are ours now, as they left them. */
  readonly found: readonly MemberRecord[];
  /** Of the others. */
  readonly others: readonly MemberRecord[];
  /** What the trigger object remembers: it outlives the broker's own memory. */
  readonly memory: PositionMemory | undefined;
}

/** Kept with the trigger object. */
export const positionMemory = z.object({ stream: z.string(), at: z.number() });
export type PositionMemory = z.infer<typeof positionMemory>;

/**
 * The durable consumer, with our settings: made where there is none, changed where somebody changed it.
 *
 * One that is gone was deleted. Where to begin then, so that nothing comes twice: behind the last delivery that any member
 * knew, when all of them left by themselves. One that lives finds out by itself that the consumer is gone, and leaves. Had
 * one died, or are the records gone too, nobody knows how far the deleted consumer went: only what comes from now on is
 * safe, and the rest is a gap. In a stream that was made anew everything is new.
 * @param known asked when there is no consumer
 * @param onGap told what was lost because the consumer was, too, as soon as it is made anew
 */
export async function ensureConsumer(
  api: JetStreamApi,
  stream: StreamFacts,
  durable: string,
  wanted: Wanted,
  known: () => Promise<Known>,
  onGap: (since: number, cause: string) => void,
): Promise<ConsumerFacts> {
  const settings = consumerSettings(wanted);
  const existing = await api.consumer(stream.name, durable);
  if (existing !== undefined) {
    refuseForeign(stream.name, durable, existing, settings);
    if (isChanged(existing.settings, settings)) await api.updateConsumer(stream.name, durable, settings);
  } else {
    const { start, lostSince } = startAt(wanted.spec, stream, await known());
    await api.createConsumer(stream.name, durable, settings, start);
    if (lostSince !== undefined) onGap(lostSince, `${durable} was deleted with its position`);
  }
  const facts = await api.consumer(stream.name, durable);
  if (facts === undefined)
    throw new TrigateError('NOT_FOUND', `the consumer ${durable} was deleted while it was opened`);
  return facts;
}

interface Start {
  readonly start: StartAt;
  /** When the lost position was last known, milliseconds since the epoch. */
  readonly lostSince?: number;
}

/** @throws TrigateError CONFLICT while another member has not found out yet */
export function startAt(
  spec: Pick<NatsTriggerSpec, 'startFrom' | 'jetstream'>,
  { name, created }: Pick<StreamFacts, 'name' | 'created'>,
  { found, others, memory }: Known,
): Start {
  const isSame = (record: MemberRecord) => record.stream === created;
  if (others.some((record) => isSame(record) && isDead(record)))
    throw new TrigateError('CONFLICT', `the consumer of stream ${name} was deleted, and another member still reads it`);
  const known = [...found, ...others];
  const same = known.filter(isSame);
  if (same.length > 0 && !same.some(isDead))
    return { start: { type: 'sequence', sequence: Math.max(...same.map(({ last }) => last.sequence)) + 1 } };
  // The last word of the first that died: what it claimed afterwards is in no record.
  const lostSince = same.length > 0 ? Math.min(...same.filter(isDead).map(({ at }) => at)) : memory?.at;
  const isKnown = same.length > 0 || memory?.stream === created;
  if (isKnown && lostSince !== undefined) return { start: { type: 'newest' }, lostSince };
  if (known.some(({ stream }) => stream !== null) || memory !== undefined) return { start: { type: 'earliest' } };
  return { start: { type: spec.jetstream?.startFrom ?? spec.startFrom } };
}

const isDead = ({ owner }: MemberRecord): boolean => owner !== null;

const isChanged = (found: ConsumerSettings, wanted: ConsumerSettings): boolean =>
  found.maxDeliver !== wanted.maxDeliver ||
  found.ackWait !== wanted.ackWait ||
  found.maxAckPending !== wanted.maxAckPending;

/** What cannot be changed on a consumer. */
function refuseForeign(stream: string, durable: string, found: ConsumerFacts, wanted: ConsumerSettings): void {
  const { ackPolicy, filter } = found.settings;
  const problem = found.isPush
    ? 'it is a push consumer'
    : ackPolicy !== wanted.ackPolicy
      ? `its ack policy is ${ackPolicy}`
      : filter !== wanted.filter
        ? `its filter is ${JSON.stringify(filter)}`
        : undefined;
  if (problem === undefined) return;
  const what = `the consumer ${durable} of stream ${stream} is not one of ours: ${problem}`;
  throw new TrigateError('CONFLICT', `${what}; delete it, and it is made anew`);
}
