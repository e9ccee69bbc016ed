import type { z } from 'zod';
import type { Claimed } from './claim.ts';
import type { Cancel, Clock, Deadline } from './clock.ts';
import type { Event } from './event.ts';
import type { Account } from './ledger.ts';
import type { DroppedReason, Outcome } from './outcome.ts';
import type { PrinterColumn, ResourceType, ServedType } from './resource.ts';
import type { Fanout, LabelSelector, TriggerName, TriggerSpec } from './trigger.ts';

/**
 * The contract of a kind, as law. A kind is the implementation of one sort of trigger: it knows its broker, and nothing
 * of HTTP, selectors, lanes or other kinds. Every event goes through three steps that may not be merged:
 *
 *   1. **reserve** — with events in hand, ask the gate for room. Waiting is what slows a source down.
 *   2. **claim**   — record durably, at the source, that exactly as many events as there is room will be tried.
 *   3. **pass**    — hand the claimed events over. Passing never blocks and never fails.
 *
 * A claim whose answer did not come is not ours to use: such events are neither passed nor counted, and the source
 * claims nothing more under the same membership.
 */
export interface TriggerKind<Spec extends TriggerSpec = TriggerSpec> {
  /** Folder, CLI noun, controller argument. */
  readonly name: string;
  readonly resource: ResourceType;
  /** `event-namespace` of Kubeless: `kafkatriggers.kubeless.io`. */
  readonly eventNamespace: string;
  /** `ce-type` of events whose producer did not set one. */
  readonly eventType: string;
  /** The one declaration of the spec: type, validation, CRD, reference manual. */
  readonly spec: z.ZodType<Spec>;
  readonly guarantee: Guarantee;
  /** How `event-time` is written. Default `go`: as Kubeless' controllers do. `date`: as its cron jobs do. */
  readonly eventTime?: 'go' | 'date';
  /** What lists show of the spec. Default: the topic. */
  readonly columns?: readonly PrinterColumn[];
  /** Types of objects beside the triggers, in which it keeps what has to last. */
  readonly keeps?: readonly ServedType[];
  /** Which functions a trigger means. Default: by `functionSelector`. */
  selects?(spec: Spec): Selection;
  /**
   * Starts one subscription. Called once for each; never twice at a time for the same group in one process.
   * Resolves when the source is connected and its position is known. Rejects when it cannot be now (broker away, not
   * authorised): the caller shows the error's sentence in `Ready`, waits with jitter, and calls again. When
   * `context.signal` aborts while opening, it gives up and leaves nothing behind.
   */
  open(subscription: Subscription<Spec>, context: SourceContext): Promise<Source>;
}

/** Which functions of its namespace a trigger means. */
export type Selection =
  | { readonly type: 'labels'; readonly selector: LabelSelector }
  | { readonly type: 'name'; readonly name: string };

/** In words, shown in docs, command line and console. */
export interface Guarantee {
  readonly promise: string;
  /** What a crash can cost. */
  readonly crash: string;
  readonly order: string;
}

/** One trigger for one group of functions: one function when `isolated`, all matching ones when `shared`. */
export interface Subscription<Spec extends TriggerSpec = TriggerSpec> {
  readonly trigger: TriggerName & { readonly uid: string };
  readonly spec: Spec;
  readonly fanout: Fanout;
  /** Names, sorted. */
  readonly functions: readonly string[];
  /** Its function (`isolated`) was not selected when the status was last written: it is new, or it was away. */
  readonly isJoining?: boolean;
  /** The longest time-out that its functions have of their own: milliseconds. `delivery.timeout` stands over it. */
  readonly functionTimeout?: number;
}

/**
 * The consumer or queue group of a subscription: Kubeless' own names, so that its offsets are taken over as they are.
 * The position belongs to the name: a trigger that is deleted and made again resumes.
 */
export function groupName(subscription: Pick<Subscription, 'trigger' | 'fanout' | 'functions'>, topic: string): string {
  const { namespace, name } = subscription.trigger;
  const target = subscription.fanout === 'shared' ? '*' : subscription.functions[0];
  return `${namespace}_${name}_${target}_${topic}`;
}

export interface Source {
  /**
   * Stops reserving and claiming at once, gives back unused room, waits for claimed events to be accounted until the
   * deadline, settles, and leaves the broker's group. Idempotent; never rejects. After it resolves the source holds no
   * socket, timer or handle.
   */
  close(deadline: Deadline): Promise<void>;
  /**
   * Where it stands, from what it knows: no request is made. Asked at each scrape and every few seconds by the
   * watchdog. Left out by a source that has nothing to lag behind (a schedule, a broker without memory).
   */
  progress?(): Progress;
}

/** How far a source has come. Whoever lags and does not move, though nothing holds it, has stalled. */
export interface Progress {
  /** Partitions, or the consumer. At most a few hundred. */
  readonly parts: readonly PartProgress[];
  /**
   * When an event was last claimed, or it was last seen that there is none to claim: monotonic milliseconds. Where parts
   * move each by itself: of those that lag, the one that has stood still longest. Right after opening: that moment.
   */
  readonly movedAt: number;
  /** It waits by intention: for room, for a live endpoint, for a window to move, or because the trigger is paused. */
  readonly held: boolean;
  /** How often membership or ownership changed since it was opened. */
  readonly rebalances: number;
}

export interface PartProgress {
  /** As people name it: `orders/3`. */
  readonly name: string;
  /** Events at the broker that are not claimed; undefined while it is not known. */
  readonly lag: number | undefined;
  /** Claimed events whose settling is not recorded at the source yet: what a crash now would leave in doubt. */
  readonly unsettled: number;
  /** Deliveries that the broker made again and that were refused. Only where a broker does such a thing. */
  readonly redelivered?: number;
}

/** What a source says of itself; shown as the condition `SourceConnected`. */
export type SourceStatus =
  | { readonly type: 'connected'; readonly message: string }
  /** It is ready to act, and another process acts: that one is asked what there is to see. */
  | { readonly type: 'standby'; readonly message: string }
  | { readonly type: 'disconnected'; readonly reason: string; readonly message: string };

export interface SourceContext {
  readonly gate: Gate;
  readonly account: Account;
  readonly log: Logger;
  readonly clock: Clock;
  readonly memory: Memory;
  readonly store: StatusStore;
  /** Aborts when the subscription closes. */
  readonly signal: AbortSignal;
  /** Tells a change of state, as often as it changes. The source goes on by itself. */
  report(status: SourceStatus): void;
  /** The source cannot go on. Afterwards it is closed and, after a pause, opened again. May be called more than once. */
  fail(error: Error): void;
}

/**
 * A little that is kept with the trigger object, for what a broker may forget: that a position once existed. It is not
 * for claims: it is written rarely, and may be lost with the object.
 */
export interface Memory {
  /** What was remembered under that key, as JSON; undefined when nothing was. */
  recall(key: string): unknown;
  /** Rejects when it could not be stored. */
  remember(key: string, value: unknown): Promise<void>;
}

/**
 * One JSON value in the status of the trigger object, for kinds whose claims live there. It belongs to the group of the
 * subscription, and goes with the object.
 */
export interface StatusStore {
  /**
   * What is stored now. Rejects when the API server does not answer or the signal aborts, and with NOT_FOUND when the
   * object is gone.
   */
  read(signal?: AbortSignal): Promise<Stored>;
  /** Calls back after each change of the object, with what was stored then: later than `read` would tell, and maybe never. */
  onChange(listener: (stored: Stored) => void): Cancel;
}

export interface Stored {
  /** Undefined when nothing was stored. */
  readonly value: unknown;
  /** The object and its spec are still those that the subscription was opened for. */
  readonly isCurrent: boolean;
  /**
   * Compare-and-swap: stores the value unless somebody has written the object since.
   * @returns what is stored now; undefined when somebody has, and nothing was stored
   * Rejects when nobody can say whether it was stored, also when the signal aborts: only reading again tells.
   */
  swap(value: unknown, signal?: AbortSignal): Promise<Stored | undefined>;
}

/** What a source sees of the delivery side. */
export interface Gate {
  /**
   * Waits until there is room for a worthwhile part of `wanted`, and takes at most `wanted`. Size 0 when the gate
   * closes, or at `until`. Shared: the least room of the lanes that are not stalled. While no live endpoint is known
   * there is no room.
   */
  reserve(wanted: number, until?: Deadline): Promise<Room>;
  /** The same at once, for sources that cannot wait: size 0, with the reason, when there is none. */
  tryReserve(wanted: number): Room;
}

/** Called once for each passed event when all its copies are accounted: one outcome for each function of the subscription. */
export type OnSettled = (event: Event, outcomes: readonly Outcome[]) => void;

/** A right to pass that many events. Whoever holds one either passes or releases it; one of size 0 is nobody's. */
export interface Room {
  readonly size: number;
  /** Why there is no room; meaningful when `size` is 0. */
  readonly reason: DroppedReason;
  /** Hands over at most `size` claimed events and gives back what is left. At most once. */
  pass(events: readonly Claimed<Event>[], onSettled: OnSettled): Passage;
  /** Gives all of it back. Harmless after `pass`. */
  release(): void;
}

/** Events that were passed together. */
export interface Passage {
  /**
   * Somebody else has these events in its account from now on: another owner of the position found their claims and
   * counted them. Outcomes that are still to come show in the feed as late, and count nowhere.
   */
  disown(): void;
  /** Gives up what has no outcome yet: `dropped(shutdown)` where no byte can have left, else `unknown(aborted)`. */
  abort(): void;
}

/** The part of pino that a kind may use. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
