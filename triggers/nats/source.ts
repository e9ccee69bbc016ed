import {
  asError,
  byDeadline,
  type DroppedReason,
  type Event,
  groupName,
  type Source,
  type SourceContext,
  type Subscription,
  TrigateError,
} from '../../src/sdk.ts';
import { claimReceived } from './claim.ts';
import type { Msg, NatsConnection, NatsError, NatsSubscription } from './client.ts';
import type { Link } from './connection.ts';
import { MessageEvents } from './event.ts';
import type { Interruptions } from './interruptions.ts';
import type { NatsTriggerSpec } from './spec.ts';

/** Subscribes in the queue group, and passes on what comes. */
export async function openNatsSource(
  link: Link,
  subscription: Subscription<NatsTriggerSpec>,
  context: SourceContext,
  interruptions: Interruptions,
): Promise<Source> {
  const source = new NatsSource(link, subscription, context, interruptions);
  try {
    await source.start();
  } catch (error) {
    await source.close(context.clock.monotonic());
    throw error;
  }
  return source;
}

class NatsSource implements Source {
  readonly #link: Link;
  readonly #spec: NatsTriggerSpec;
  readonly #queue: string;
  readonly #events: MessageEvents;
  /** What it is known by when it is opened anew: one that is made anew, or joins, has missed nothing. */
  readonly #key: string;
  readonly #isJoining: boolean;
  readonly #context: SourceContext;
  readonly #interruptions: Interruptions;
  #subscription: NatsSubscription | undefined;
  #closed: Promise<void> | undefined;
  #unfollow: () => void = () => {};
  /** When it was subscribed: what passed before is not missing. */
  #since: number | undefined;
  #unsettled = 0;
  #onSettled: () => void = () => {};

  constructor(
    link: Link,
    subscription: Subscription<NatsTriggerSpec>,
    context: SourceContext,
    interruptions: Interruptions,
  ) {
    this.#link = link;
    this.#spec = subscription.spec;
    this.#queue = groupName(subscription, subscription.spec.topic);
    this.#events = new MessageEvents(subscription.spec.delivery.order);
    this.#key = `${subscription.trigger.uid} ${this.#queue}`;
    this.#isJoining = subscription.isJoining ?? false;
    this.#context = context;
    this.#interruptions = interruptions;
  }

  async start(): Promise<void> {
    const { signal } = this.#context;
    signal.throwIfAborted();
    const connection = await this.#link.connect();
    signal.throwIfAborted();
    this.#unfollow = this.#follow();
    this.#subscription = connection.subscribe(this.#spec.topic, {
      queue: this.#queue,
      callback: (error, message) => this.#hear(error, message),
    });
    await subscribed(connection);
    this.#begin();
    signal.throwIfAborted();
    this.#context.report({
      type: 'connected',
      message: `subscribed to ${this.#spec.topic} in queue group ${this.#queue}`,
    });
  }

  #begin(): void {
    const { account, clock } = this.#context;
    const now = clock.now();
    this.#since = now;
    const from = this.#interruptions.goesOn(this.#key);
    if (from === undefined || this.#isJoining) return;
    account.gap({ from, to: now, cause: 'the subscription was closed and opened anew' });
  }

  /** What is published from now on comes to nobody here. */
  #interrupted(): void {
    if (this.#since === undefined) return;
    this.#interruptions.ended(this.#key, this.#link.lostSince ?? this.#context.clock.now());
  }

  #follow(): () => void {
    const { account, fail, report } = this.#context;
    return this.#link.follow({
      disconnected: (message) => report({ type: 'disconnected', reason: 'Disconnected', message }),
      reconnected: (gap) => {
        // One that was subscribed after the loss has missed nothing.
        const from = Math.max(gap.from, this.#since ?? gap.to);
        if (from < gap.to) account.gap({ ...gap, from });
        report({ type: 'connected', message: `subscribed again to ${this.#spec.topic}` });
      },
      closed: fail,
    });
  }

  close(deadline: number): Promise<void> {
    this.#closed ??= this.#close(deadline);
    return this.#closed;
  }

  async #close(deadline: number): Promise<void> {
    this.#interrupted();
    // Drain: no more is sent to us, and what is here already is still handled.
    const drained = this.#subscription?.drain().catch(() => {}) ?? Promise.resolve();
    const settled = drained.then(() => this.#settled());
    await byDeadline(this.#context.clock, deadline, settled);
    this.#unfollow();
    this.#subscription?.unsubscribe();
  }

  /** Never throws: the client would read nothing more for any of the subscriptions that share its connection. */
  #hear(refusal: NatsError | null, message: Msg): void {
    try {
      if (refusal === null) this.#receive(message);
      else this.#refused(refusal);
    } catch (thrown) {
      this.#broken(asError(thrown));
    }
  }

  #refused(error: NatsError): void {
    this.#context.log.warn({ error: error.message }, 'NATS refused the subscription');
    this.#broken(error);
  }

  #broken(error: Error): void {
    this.#interrupted();
    this.#context.fail(error);
  }

  #receive(message: Msg): void {
    const { account, clock, gate } = this.#context;
    const event = this.#events.from(message, clock.now());
    account.read(1);
    const unwanted = this.#unwanted(event);
    const room = unwanted === undefined ? gate.tryReserve(1) : undefined;
    if (room === undefined || room.size === 0) {
      account.dropped(event, unwanted ?? room?.reason ?? 'overflow');
      return;
    }
    this.#unsettled++;
    room.pass(claimReceived(event), this.#settle);
  }

  #unwanted(event: Event): DroppedReason | undefined {
    if (this.#spec.paused) return 'paused_skip';
    return event.data.length > this.#spec.delivery.maxBytes ? 'too_large' : undefined;
  }

  #settle = (): void => {
    if (--this.#unsettled === 0) this.#onSettled();
  };

  #settled(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onSettled = resolve;
    });
  }
}

/** Answered when the server has seen the SUB: what is published from here on comes. */
async function subscribed(connection: NatsConnection): Promise<void> {
  try {
    await connection.flush();
  } catch (error) {
    throw new TrigateError('BROKER_UNREACHABLE', 'NATS cannot be reached: the connection is lost; trying again', {
      cause: error,
    });
  }
}
