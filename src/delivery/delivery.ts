import type { Clock, Deadline } from '../domain/clock.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS, type FunctionTarget } from '../domain/function.ts';
import type { Gate, Subscription, TriggerKind } from '../domain/kind.ts';
import type { Account, LedgerReport } from '../domain/ledger.ts';
import { KEPT_BYTES } from '../domain/outcome.ts';
import type { TriggerName } from '../domain/trigger.ts';
import type { CallerFactory } from './call/call.ts';
import { type ClosableGate, createGate } from './gate.ts';
import { Lane } from './lane.ts';
import { accountOf, Ledger, type OutcomeSink } from './ledger.ts';
import { type EndOfTurn, Refills } from './refills.ts';
import { requestBuilder } from './request.ts';
import { Target } from './target.ts';

export interface DeliveryOptions {
  readonly createCaller: CallerFactory;
  readonly sink: OutcomeSink;
  readonly userAgent: string;
  readonly clock: Clock;
  /** A number in [0, 1): spreads pauses. */
  readonly random: () => number;
  /** Default: `setImmediate`. */
  readonly endOfTurn?: EndOfTurn;
}

/** The delivery side of one subscription. */
export interface Outlet {
  readonly gate: Gate;
  readonly account: Account;
  /** Where the functions live now. A function that is not among them has no endpoint. */
  update(targets: readonly FunctionTarget[]): void;
  /** Gives out no more room, and ends what is in flight until the deadline. Idempotent. */
  drain(deadline: Deadline): Promise<void>;
  /** After `drain`: releases connections and timers. */
  close(): Promise<void>;
}

export interface Delivery {
  open(kind: TriggerKind, subscription: Subscription, targets: readonly FunctionTarget[]): Outlet;
  /** Forgets the counts of a trigger that was deleted. */
  forget(trigger: TriggerName): void;
  report(): LedgerReport;
}

/** From the gate to the functions: lanes, calls, accounts. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const ledger = new Ledger(options.sink);
  return {
    open: (kind, subscription, targets) => openOutlet(options, ledger, kind, subscription, targets),
    forget: (trigger) => ledger.remove(trigger),
    report: () => ledger.report(),
  };
}

function openOutlet(
  options: DeliveryOptions,
  ledger: Ledger,
  kind: TriggerKind,
  subscription: Subscription,
  functions: readonly FunctionTarget[],
): Outlet {
  const { clock, random, createCaller, userAgent, endOfTurn = setImmediate } = options;
  const { trigger, spec } = subscription;
  const { eventNamespace, eventType, eventTime } = kind;
  const keep = spec.delivery.keepAnswers ? KEPT_BYTES : 0;
  const request = requestBuilder({ eventNamespace, eventType, eventTime, userAgent, keep, clock });
  const refills = new Refills(clock, endOfTurn, (now) => gate.onRoom(now));
  const parts = subscription.functions.map((name, position) => {
    const entry = ledger.entry(trigger, name);
    const target = new Target({ connections: spec.delivery.concurrency, createCaller, clock, random });
    const timeout = spec.delivery.timeout ?? functions.find((found) => found.name === name)?.timeout;
    const lane = new Lane({
      delivery: spec.delivery,
      timeout: timeout ?? DEFAULT_FUNCTION_TIMEOUT_MS,
      position,
      entry,
      target,
      request,
      clock,
      onRoom: (now) => gate.onRoom(now),
      onFreed: (freed) => refills.add(freed),
    });
    return { name, entry, target, lane };
  });
  const lanes = parts.map(({ lane }) => lane);
  const gate: ClosableGate = createGate(lanes, clock);
  const update = (found: readonly FunctionTarget[]) => {
    for (const { name, target } of parts) {
      const { url, pods } = found.find((one) => one.name === name) ?? {};
      target.update(url, pods);
    }
  };
  update(functions);
  return {
    gate,
    account: accountOf(
      ledger,
      trigger,
      parts.map(({ entry }) => entry),
    ),
    update,
    drain: (deadline) => gate.drain(deadline),
    async close() {
      for (const lane of lanes) lane.close();
      await Promise.all(parts.map(({ target }) => target.close()));
    },
  };
}
