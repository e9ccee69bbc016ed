import {
  type Counts,
  copyCounts,
  groupName,
  noCounts,
  type Source,
  type SourceContext,
  type Subscription,
  TrigateError,
} from '../../../src/sdk.ts';
import type { Link } from '../connection.ts';
import { StreamEvents } from '../event.ts';
import type { NatsTriggerSpec } from '../spec.ts';
import { type ConsumerFacts, type Delivered, JetStreamApi, type StreamFacts } from './api.ts';
import { Books } from './books.ts';
import { ensureConsumer, findStream, positionMemory } from './consumer.ts';
import { ackSubject } from './delivery-info.ts';
import { Membership } from './membership.ts';
import { durableName } from './name.ts';
import { Naming } from './naming.ts';
import { JetStreamProgress } from './progress.ts';
import { Puller } from './pull.ts';
import { Reading } from './reading.ts';
import type { MemberRecord } from './record.ts';
import { JetStreamSource } from './source.ts';
import { NOTHING_TAKEN, type Run, runOf, type Taken, together } from './taken.ts';
import { countDoubts, type Doubt, laterClaims, openClaims, tellDoubts } from './takeover.ts';
import { unrecorded } from './unrecorded.ts';

/** Finds the stream, takes over from the members that are gone, and begins to read behind what they claimed. */
export async function openJetStreamSource(
  link: Link,
  subscription: Subscription<NatsTriggerSpec>,
  context: SourceContext,
): Promise<Source> {
  const { signal, clock } = context;
  const { spec } = subscription;
  signal.throwIfAborted();
  const connection = await link.connect();
  const api = await JetStreamApi.of(connection, spec.jetstream);
  const stream = await findStream(api, spec);
  signal.throwIfAborted();
  const durable = durableName(groupName(subscription, spec.topic));
  const membership = await Membership.join(api, durable, stream.replicas, context);
  try {
    const memory = positionMemory.safeParse(context.memory.recall(durable)).data;
    const known = async () => ({
      found: membership?.slots.flatMap((slot) => slot.found ?? []) ?? [],
      others: (await membership?.others()) ?? [],
      memory,
    });
    const onGap = (from: number, cause: string) => context.account.gap({ from, to: clock.now(), cause });
    const consumer = await ensureConsumer(api, stream, durable, subscription, known, onGap);
    if (memory?.stream !== stream.created)
      await context.memory.remember(durable, { stream: stream.created, at: clock.now() });
    signal.throwIfAborted();
    const opening = new Opening(api, subscription, context, stream, durable, consumer, membership);
    const reading = await opening.takeOver();
    membership?.hasTakenOver();
    const progress = new JetStreamProgress(
      {
        name: reading.name,
        clock,
        isPaused: spec.paused,
        askEvery: link.askEvery,
        ask: () => reading.ask(),
        unsettled: () => reading.unsettled,
        redelivered: () => reading.redelivered,
      },
      consumer,
    );
    const source = new JetStreamSource(link, reading, progress, context);
    if (signal.aborted) await source.close(clock.monotonic());
    signal.throwIfAborted();
    source.start(spec.paused);
    return source;
  } catch (error) {
    await membership?.giveBack();
    throw error;
  }
}

class Opening {
  readonly #api: JetStreamApi;
  readonly #subscription: Subscription<NatsTriggerSpec>;
  readonly #context: SourceContext;
  readonly #stream: StreamFacts;
  readonly #durable: string;
  readonly #consumer: ConsumerFacts;
  readonly #membership: Membership | undefined;
  readonly #events: StreamEvents;
  readonly #naming: Naming;
  /** Functions whose counts in the account are those of this opening. */
  readonly #shown = new Set<string>();

  constructor(
    api: JetStreamApi,
    subscription: Subscription<NatsTriggerSpec>,
    context: SourceContext,
    stream: StreamFacts,
    durable: string,
    consumer: ConsumerFacts,
    membership: Membership | undefined,
  ) {
    const { topic, delivery } = subscription.spec;
    this.#api = api;
    this.#subscription = subscription;
    this.#context = context;
    this.#stream = stream;
    this.#durable = durable;
    this.#consumer = consumer;
    this.#membership = membership;
    this.#events = new StreamEvents(stream.name, stream.created, delivery.order);
    this.#naming = new Naming(api, stream.name, topic, this.#events);
  }

  async takeOver(): Promise<Reading> {
    const { account, clock } = this.#context;
    const { functions } = this.#subscription;
    // What an earlier source of this process has left is shown by whoever has its slot now.
    if (this.#membership !== undefined) for (const name of functions) this.#show(name, noCounts());
    const later = await unrecorded(this.#membership, this.#consumer, clock.now());
    const records: MemberRecord[] = [];
    for (const [i, slot] of (this.#membership?.slots ?? []).entries()) {
      const found = slot.found;
      const doubts = found === undefined ? [] : await openClaims(found, this.#naming);
      if (i === 0) doubts.push(...(await laterClaims(later, functions, this.#naming)));
      const taken = this.#taken(found, i === 0 ? later.deliveries.map(runOf) : []);
      const record = { ...this.#resolved(found, doubts), taken, isKept: i > 0 };
      if (!(await slot.store(record)))
        throw new TrigateError('CONFLICT', `another process has just taken over the consumer ${this.#durable}`);
      this.#tell(found, doubts);
      // With the record in which the rest is counted: whoever opens after us finds nothing missing.
      if (i === 0 && later.gap !== undefined) account.gap(later.gap);
      records.push(record);
    }
    const [own, ...others] = records;
    return new Reading({
      api: this.#api,
      subscription: this.#subscription,
      context: this.#context,
      stream: this.#stream,
      durable: this.#durable,
      consumer: this.#consumer,
      membership: this.#membership,
      others,
      books: new Books(functions, own?.counts ?? new Map(), this.#consumer.delivered, own?.taken),
      events: this.#events,
      naming: this.#naming,
      puller: new Puller(this.#api, this.#stream.name, this.#durable, this.#context.clock),
    });
  }

  /** Deliveries of our predecessor, and what nobody had: ours from now on. */
  #taken(found: MemberRecord | undefined, later: readonly Run[]): Taken {
    const { since, runs } = found?.consumer === this.#consumer.created ? found.taken : NOTHING_TAKEN;
    return together([
      { since, runs },
      { since, runs: later },
    ]);
  }

  #resolved(found: MemberRecord | undefined, doubts: readonly Doubt[]): Omit<MemberRecord, 'taken' | 'isKept'> {
    const counts = new Map([...(found?.counts ?? [])].map(([name, each]) => [name, copyCounts(each)]));
    countDoubts(counts, doubts);
    const last: Delivered = this.#consumer.delivered;
    return {
      owner: this.#membership?.owner ?? null,
      stream: this.#stream.created,
      consumer: this.#consumer.created,
      last,
      open: [],
      settled: toAcknowledge(found, doubts),
      functions: this.#subscription.functions,
      counts,
      at: this.#context.clock.now(),
    };
  }

  /** The counts as they were left, then one by one what is in doubt; the server need not wait for it any longer. */
  #tell(found: MemberRecord | undefined, doubts: readonly Doubt[]): void {
    const { account, log } = this.#context;
    for (const [name, counts] of found?.counts ?? []) this.#show(name, counts);
    tellDoubts(account, doubts);
    this.#acknowledge(toAcknowledge(found, doubts));
    if (doubts.length === 0) return;
    const fields = { consumer: this.#durable, events: doubts.length };
    log.warn(fields, 'events were delivered by NATS and never acknowledged; they are counted');
  }

  #show(name: string, counts: Counts): void {
    const { account } = this.#context;
    if (this.#shown.has(name)) account.adopt(name, counts);
    else account.restore(name, counts);
    this.#shown.add(name);
  }

  /** What nobody will acknowledge any more: it would count against `max_ack_pending` for a long time. */
  #acknowledge(sequences: readonly number[]): void {
    for (const sequence of sequences)
      this.#api.connection.publish(ackSubject(this.#stream.name, this.#durable, sequence), '+ACK');
  }
}

/** What a predecessor has settled, as far as its acknowledgements may be lost, and what is in doubt and counted now. */
function toAcknowledge(found: MemberRecord | undefined, doubts: readonly Doubt[]): number[] {
  const doubtful = doubts.flatMap(({ event: { coordinates } }) =>
    coordinates.type === 'nats' && coordinates.sequence !== undefined ? [coordinates.sequence] : [],
  );
  return [...(found?.settled ?? []), ...doubtful].sort((a, b) => a - b);
}
