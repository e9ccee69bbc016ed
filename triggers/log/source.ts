import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  Deadline,
  DroppedReason,
  Event,
  Outcome,
  Room,
  Source,
  SourceContext,
  Subscription,
} from '../../src/sdk.ts';
import { asError, byDeadline, copyCounts, groupName, roomUnlessStopped } from '../../src/sdk.ts';
import { openBooks } from './books.ts';
import { claim } from './claim.ts';
import { createEventMaker } from './event.ts';
import type { Decision } from './hand.ts';
import { createHand } from './hand.ts';
import type { GroupOwner, LogGroup, LogReader, StoredCoordinates } from './reader.ts';
import type { LogTriggerSpec, OrderedBy } from './spec.ts';
import { createWake } from './wake.ts';

/** Events read ahead, and their bytes. */
const READ_COUNT = 512;
const READ_BYTES = 4 * 2 ** 20;

const CRASHED: Outcome = { type: 'unknown', reason: 'crash', ms: 0 };

export interface LogSourceOptions {
  readonly log: LogReader;
  /** Keeps the groups of KafkaTriggers and NATSTriggers apart: their brokers would be two, the log is one. */
  readonly kind: string;
  readonly orderedBy: OrderedBy;
}

/**
 * A subscription of the embedded log.
 *
 * Opening takes over from the predecessor: its counts go on, and what it claimed and never settled is counted as
 * `unknown(crash)`, for no one can say whether it was sent. That is stored before anything is read.
 *
 * Then one loop runs: fill the hand when it is empty (or sleep until something is published), drop what is
 * unfit at its front, wait for room, decide on as many events as there is room for, claim, pass. An event in hand
 * is not counted yet: when the source stops or fails, the next one reads it again.
 *
 * It stops when it is closed, when the subscription's signal aborts, when the gate closes, or when the log fails; the
 * last one tells the caller. Passed events go on to be settled until `close` has waited for them.
 */
export async function openLogSource(
  subscription: Subscription<LogTriggerSpec>,
  context: SourceContext,
  options: LogSourceOptions,
): Promise<Source> {
  const { account, clock, gate, signal } = context;
  const { spec, functions } = subscription;
  signal.throwIfAborted();
  const make = createEventMaker(options.log.identity, spec.delivery.order, options.orderedBy);
  const isPaused = spec.paused === true;
  const isHeld = isPaused && spec.onPause !== 'skip';
  /** The function was away, and what was published meanwhile is not wanted. */
  let isCatchingUp = false;
  const hand = createHand(spec.delivery.maxAge, clock, () => isPaused || isCatchingUp);
  const wake = createWake();
  const limit = { count: READ_COUNT, bytes: READ_BYTES, dataBytes: spec.delivery.maxBytes };
  const stopping = new AbortController();
  let outstanding = 0;
  let allSettled: (() => void) | undefined;

  const owner: GroupOwner = {
    published: wake.knock,
    lost,
    failed(error) {
      stop();
      context.fail(error);
    },
    counts: () => books.all(),
  };
  const name = `${options.kind}:${groupName(subscription, spec.topic)}`;
  const group: LogGroup = options.log.openGroup(
    {
      name,
      pattern: spec.topic,
      startFrom: spec.startFrom ?? 'newest',
      functions,
    },
    owner,
  );
  const books = openBooks(functions, group.predecessor);
  // Without counts nobody was here before.
  isCatchingUp = subscription.isJoining === true && spec.onRejoin === 'newest' && group.predecessor.counts.size > 0;
  let cursor = group.position;

  /** No turn of the event loop may pass between the books and `adopt`: what is stored has to have both or neither. */
  async function takeOver(): Promise<void> {
    const { predecessor } = group;
    if (predecessor.inDoubt.length > 0 || predecessor.lost > 0) {
      const found = { group: name, inDoubt: predecessor.inDoubt.length, lost: predecessor.lost };
      context.log.warn(found, 'events were claimed and never settled, or removed unread; they are counted');
    }
    for (const [functionName, counts] of books.all()) account.restore(functionName, copyCounts(counts));
    for (const stored of predecessor.inDoubt) {
      for (const functionName of predecessor.functions) {
        books.inDoubt(functionName, CRASHED);
        account.inDoubt(make.bare(stored), functionName, CRASHED);
      }
    }
    await group.adopt();
    signal.throwIfAborted();
  }

  function lost(events: readonly StoredCoordinates[]): void {
    hand.forget(new Set(events.map(({ seq }) => seq)));
    books.decided(
      0,
      events.map(() => 'offsets_lost'),
    );
    account.read(events.length);
    for (const stored of events) account.dropped(make.bare(stored), 'offsets_lost');
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (hand.size === 0) await refill();
      drop(hand.decide(0));
      if (hand.size === 0 || stopping.signal.aborted) continue;
      const room = await roomUnlessStopped(gate, stopping.signal, hand.size);
      // Stopped, or the gate is closed.
      if (room === undefined || room.size === 0) return;
      await claimAndPass(room);
    }
  }

  async function refill(): Promise<void> {
    const batch = group.read(cursor, limit);
    cursor = batch.through;
    hand.add(batch.events);
    if (isCatchingUp) {
      drop(hand.decide(0));
      isCatchingUp = !batch.caughtUp;
    }
    // Also with events in hand: a long backlog that is all dropped must not hold up the event loop.
    await (batch.caughtUp && hand.size === 0 ? wake.wait() : nextTurn());
  }

  async function claimAndPass(room: Room): Promise<void> {
    try {
      if (stopping.signal.aborted) return;
      const decision = hand.decide(room.size);
      if (decision.claim.length === 0) return drop(decision);
      books.decided(decision.claim.length, reasons(decision));
      const claimed = await claim(group, decision.claim.map(make.event), decision.through);
      count(decision);
      outstanding += claimed.length;
      room.pass(claimed, settled);
    } finally {
      room.release();
    }
  }

  function drop(decision: Decision): void {
    if (decision.drop.length === 0) return;
    books.decided(0, reasons(decision));
    group.skip(decision.through);
    count(decision);
  }

  function count({ claim, drop }: Decision): void {
    account.read(claim.length + drop.length);
    for (const { event, reason } of drop) account.dropped(make.event(event), reason);
  }

  function settled(event: Event, outcomes: readonly Outcome[]): void {
    if (event.coordinates.type === 'log') {
      books.settled(outcomes);
      group.settle(event.coordinates.offset);
    }
    outstanding--;
    if (outstanding === 0) allSettled?.();
  }

  function stop(): void {
    stopping.abort();
    wake.knock();
  }

  async function settledBy(deadline: Deadline): Promise<void> {
    if (outstanding === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    allSettled = resolve;
    await byDeadline(clock, deadline, promise);
  }

  function start(): Source {
    signal.addEventListener('abort', stop);
    const running = isHeld ? Promise.resolve() : run().catch((error) => owner.failed(asError(error)));
    context.report({ type: 'connected', message: `topic ${spec.topic} of the embedded log` });

    async function close(deadline: Deadline): Promise<void> {
      stop();
      await running;
      await settledBy(deadline);
      group.close();
      signal.removeEventListener('abort', stop);
    }

    let closing: Promise<void> | undefined;
    return {
      close(deadline) {
        closing ??= close(deadline);
        return closing;
      },
    };
  }

  try {
    await takeOver();
  } catch (error) {
    group.close();
    throw error;
  }
  return start();
}

const reasons = (decision: Decision): DroppedReason[] => decision.drop.map(({ reason }) => reason);
