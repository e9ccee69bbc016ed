import { isDeepStrictEqual } from 'node:util';
import type { Delivery } from '../delivery/delivery.ts';
import type { Clock, Deadline } from '../domain/clock.ts';
import { asError } from '../domain/errors.ts';
import type { Logger, Memory, TriggerKind } from '../domain/kind.ts';
import type { Trigger, TriggerName } from '../domain/trigger.ts';
import { followFunctions } from '../functions/discovery.ts';
import { type Follower, follow } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';
import { type Desired, planTrigger, type TriggerPlan } from './reconcile.ts';
import { conditionsOf, nextStatus } from './status.ts';
import { RunningSubscription } from './subscription.ts';

export interface ControllerOptions {
  readonly kinds: readonly TriggerKind[];
  readonly resources: Resources;
  readonly delivery: Delivery;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** A trigger as a person wants to see it. */
export interface TriggerView {
  readonly trigger: TriggerName;
  /** Topic, subject, schedule. */
  readonly topic: string;
  readonly functions: readonly string[];
  readonly ready: boolean;
  readonly connected: boolean;
  readonly message: string;
}

/** How long a subscription that is no longer wanted may finish what it has claimed. */
const CLOSE_MS = 25_000;
/** Status is written this long after a change, so that changes in a row are one write. */
const STATUS_DELAY_MS = 100;
/** What the followers tell in one burst is worked out once. */
const RECONCILE_DELAY_MS = 5;

/**
 * Runs all triggers of some kinds: works out what should run from the objects as they are, compares it with what runs,
 * and opens and closes subscriptions. A subscription that a change does not concern is not touched.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #closing = new AbortController();
  readonly #triggers: readonly { kind: TriggerKind; follower: Follower<Trigger> }[];
  readonly #functions: ReturnType<typeof followFunctions>;
  readonly #running = new Map<string, RunningSubscription>();
  /** Subscriptions that are closing; the next of the same key waits for them. */
  readonly #ending = new Map<string, Promise<void>>();
  #plans: readonly TriggerPlan[] = [];
  #cancelReconcile: (() => void) | undefined;
  #cancelStatus: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #started = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const following = {
      namespace: options.namespace,
      onChange: () => this.#reconcileSoon(),
      clock: options.clock,
      random: options.random,
      log: options.log,
      signal: this.#closing.signal,
    };
    this.#triggers = options.kinds.map((kind) => ({
      kind,
      follower: follow<Trigger>(options.resources, kind.resource, following),
    }));
    this.#functions = followFunctions(options.resources, following);
  }

  /** Resolves when the first comparison has been made: all subscriptions that should run are at least opening. */
  async start(): Promise<void> {
    await Promise.all([this.#functions.synced, ...this.#triggers.map(({ follower }) => follower.synced)]);
    this.#started = true;
    this.#reconcile();
  }

  views(): TriggerView[] {
    return this.#plans.map((plan) => {
      const conditions = conditionsOf(plan, this.#sources(plan));
      const ready = conditions.find((condition) => condition.type === 'Ready');
      const connected = conditions.find((condition) => condition.type === 'SourceConnected');
      const spec = plan.object.spec;
      const topic = typeof spec === 'object' && spec !== null && 'topic' in spec ? String(spec.topic) : '';
      return {
        trigger: plan.trigger,
        topic,
        functions: plan.functions,
        ready: ready?.status === 'True',
        connected: connected?.status === 'True',
        message: ready?.message ?? '',
      };
    });
  }

  /** Closes every subscription, then stops following. Idempotent. */
  async close(deadline: Deadline): Promise<void> {
    this.#closing.abort();
    this.#cancelReconcile?.();
    this.#cancelStatus?.();
    await Promise.all([...this.#running.values()].map((subscription) => subscription.close(deadline)));
    await Promise.all(this.#ending.values());
    await Promise.all([
      this.#functions.close(),
      ...this.#triggers.map(({ follower }) => follower.close()),
      this.#writing,
    ]);
  }

  #reconcileSoon(): void {
    if (!this.#started || this.#cancelReconcile !== undefined || this.#closing.signal.aborted) return;
    this.#cancelReconcile = this.#options.clock.after(RECONCILE_DELAY_MS, () => {
      this.#cancelReconcile = undefined;
      this.#reconcile();
    });
  }

  #reconcile(): void {
    if (this.#closing.signal.aborted) return;
    const functions = this.#functions.all();
    const before = this.#plans;
    this.#plans = this.#triggers.flatMap(({ kind, follower }) =>
      [...follower.objects.values()]
        .filter((object) => object.metadata.deletionTimestamp === undefined)
        .map((object) => planTrigger(kind, object, functions)),
    );
    const wanted = new Map(this.#plans.flatMap((plan) => plan.subscriptions).map((desired) => [desired.key, desired]));
    for (const [key, running] of this.#running) {
      const desired = wanted.get(key);
      if (desired === undefined || desired.version !== running.desired.version) this.#end(key, running);
      else running.update(desired.targets);
    }
    for (const desired of wanted.values()) if (!this.#running.has(desired.key)) this.#begin(desired);
    this.#forgetDeleted(before);
    this.#statusSoon();
  }

  #begin(desired: Desired): void {
    const { delivery, clock, random, log } = this.#options;
    const memory = this.#memoryOf(desired);
    const options = { delivery, clock, random, log, memory, onChange: () => this.#statusSoon() };
    this.#running.set(desired.key, new RunningSubscription(desired, options, this.#ending.get(desired.key)));
  }

  /** Kept in the status of the trigger object. */
  #memoryOf({ kind, subscription }: Desired): Memory {
    const { namespace, name } = subscription.trigger;
    const stored = () => this.#plans.find(({ trigger }) => nameOf(trigger) === nameOf(subscription.trigger))?.object;
    return {
      recall: (key) => stored()?.status?.memory?.[key],
      remember: async (key, value) => {
        await this.#options.resources.updateStatus<Trigger>(kind.resource, namespace, name, (object) => {
          if (isDeepStrictEqual(object.status?.memory?.[key], value)) return undefined;
          return { ...object, status: { ...object.status, memory: { ...object.status?.memory, [key]: value } } };
        });
      },
    };
  }

  #end(key: string, running: RunningSubscription): void {
    this.#running.delete(key);
    const ended = running.close(this.#options.clock.monotonic() + CLOSE_MS).finally(() => {
      if (this.#ending.get(key) === ended) this.#ending.delete(key);
    });
    this.#ending.set(key, ended);
  }

  /** The counts of a deleted trigger go when its last subscription has been closed. */
  #forgetDeleted(before: readonly TriggerPlan[]): void {
    const names = new Set(this.#plans.map(({ trigger }) => nameOf(trigger)));
    for (const { trigger } of before) {
      if (names.has(nameOf(trigger))) continue;
      const prefix = `${nameOf(trigger)}/`;
      const ending = [...this.#ending].filter(([key]) => key.startsWith(prefix)).map(([, ended]) => ended);
      void Promise.all(ending).then(() => {
        if (!this.#plans.some((plan) => nameOf(plan.trigger) === nameOf(trigger)))
          this.#options.delivery.forget(trigger);
      });
    }
  }

  #sources(plan: TriggerPlan) {
    return plan.subscriptions.flatMap(({ key }) => this.#running.get(key)?.status ?? []);
  }

  #statusSoon(): void {
    if (this.#cancelStatus !== undefined || this.#closing.signal.aborted) return;
    this.#cancelStatus = this.#options.clock.after(STATUS_DELAY_MS, () => {
      this.#cancelStatus = undefined;
      this.#writing = this.#writing.then(() => this.#writeStatuses());
    });
  }

  async #writeStatuses(): Promise<void> {
    for (const plan of this.#plans) {
      if (this.#closing.signal.aborted) return;
      const facts = conditionsOf(plan, this.#sources(plan));
      const now = new Date(this.#options.clock.now()).toISOString();
      if (nextStatus(plan.object.status, plan, facts, now) === undefined) continue;
      await this.#writeStatus(plan, (stored) => nextStatus(stored.status, plan, facts, now));
    }
  }

  async #writeStatus(plan: TriggerPlan, change: (stored: Trigger) => Trigger['status']): Promise<void> {
    const kind = this.#options.kinds.find(({ name }) => name === plan.trigger.kind);
    if (kind === undefined) return;
    const { namespace, name } = plan.trigger;
    try {
      await this.#options.resources.updateStatus<Trigger>(kind.resource, namespace, name, (stored) => {
        const status = change(stored);
        return status === undefined ? undefined : { ...stored, status: { ...stored.status, ...status } };
      });
    } catch (thrown) {
      // It is for display: the next change writes it again.
      const error = asError(thrown);
      this.#options.log.debug({ trigger: nameOf(plan.trigger), error: error.message }, 'the status was not written');
    }
  }
}

const nameOf = (trigger: TriggerName): string => `${trigger.kind}/${trigger.namespace}/${trigger.name}`;
