import { isDeepStrictEqual } from 'node:util';
import type { Delivery } from '../delivery/delivery.ts';
import type { Clock, Deadline } from '../domain/clock.ts';
import type { Logger, Memory, TriggerKind } from '../domain/kind.ts';
import type { Trigger, TriggerName } from '../domain/trigger.ts';
import { type DirectoryOptions, type FunctionDirectory, followFunctions } from '../functions/discovery.ts';
import { type Follower, follow } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';
import { Finalizers } from './finalizers.ts';
import { Planner } from './planner.ts';
import type { Desired, TriggerPlan } from './reconcile.ts';
import { conditionsOf } from './status.ts';
import { StatusStores } from './status-store.ts';
import { StatusWriter } from './status-writer.ts';
import { RunningSubscription } from './subscription.ts';

export interface ControllerOptions {
  readonly kinds: readonly TriggerKind[];
  readonly resources: Resources;
  readonly delivery: Delivery;
  /** How functions are found. Default: by their Function objects. */
  readonly functions?: (resources: Resources, options: DirectoryOptions) => FunctionDirectory;
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
  readonly #functions: FunctionDirectory;
  readonly #running = new Map<string, RunningSubscription>();
  /** Subscriptions that are closing; the next of the same key waits for them. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #stores: StatusStores;
  readonly #planner = new Planner();
  readonly #status: StatusWriter;
  readonly #finalizers: Finalizers;
  #plans: readonly TriggerPlan[] = [];
  #cancelReconcile: (() => void) | undefined;
  #started = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#stores = new StatusStores(options.resources);
    this.#status = new StatusWriter({
      ...options,
      plans: () => this.#plans,
      sources: (plan) => this.#sources(plan),
    });
    this.#finalizers = new Finalizers({ ...options, onRetry: () => this.#reconcileSoon() });
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
    this.#functions = (options.functions ?? followFunctions)(options.resources, following);
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
      return {
        trigger: plan.trigger,
        topic: listensTo(plan.object.spec),
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
    const written = Promise.all([this.#status.close(), this.#finalizers.close()]);
    await Promise.all([...this.#running.values()].map((subscription) => subscription.close(deadline)));
    await Promise.all(this.#ending.values());
    await Promise.all([this.#functions.close(), ...this.#triggers.map(({ follower }) => follower.close()), written]);
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
    this.#plans = this.#planner.plan(
      this.#triggers.map(({ kind, follower }) => ({ kind, objects: follower.objects.values() })),
      functions,
    );
    const wanted = new Map(this.#plans.flatMap((plan) => plan.subscriptions).map((desired) => [desired.key, desired]));
    for (const [key, running] of this.#running) {
      const desired = wanted.get(key);
      if (desired === undefined || desired.version !== running.desired.version) this.#end(key, running);
      else running.update(desired.targets);
    }
    for (const desired of wanted.values()) if (!this.#running.has(desired.key)) this.#begin(desired);
    const known = new Set(before);
    for (const plan of this.#plans) if (!known.has(plan)) this.#stores.changed(plan.object);
    this.#forgetDeleted(before);
    this.#letGo();
    this.#status.soon();
  }

  #begin(desired: Desired): void {
    const { delivery, clock, random, log } = this.#options;
    const memory = this.#memoryOf(desired);
    const store = this.#stores.of(desired);
    const options = { delivery, clock, random, log, memory, store, onChange: () => this.#status.soon() };
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
      void this.#ended(trigger).then(() => {
        if (!this.#plans.some((plan) => nameOf(plan.trigger) === nameOf(trigger)))
          this.#options.delivery.forget(trigger);
      });
    }
  }

  /** What is being deleted may go when nothing runs for it any more. */
  #letGo(): void {
    for (const { kind, follower } of this.#triggers) {
      for (const object of follower.objects.values()) {
        const { namespace = 'default', name } = object.metadata;
        this.#finalizers.remove(kind.resource, object, () => this.#ended({ kind: kind.name, namespace, name }));
      }
    }
  }

  /** Resolves when the subscriptions of a trigger that are closing have been closed. */
  async #ended(trigger: TriggerName): Promise<void> {
    const prefix = `${nameOf(trigger)}/`;
    await Promise.all([...this.#ending].filter(([key]) => key.startsWith(prefix)).map(([, ended]) => ended));
  }

  #sources(plan: TriggerPlan) {
    return plan.subscriptions.flatMap(({ key }) => this.#running.get(key)?.status ?? []);
  }
}

/** Topic, subject or schedule. */
function listensTo(spec: unknown): string {
  if (typeof spec !== 'object' || spec === null) return '';
  if ('topic' in spec) return String(spec.topic);
  return 'schedule' in spec ? String(spec.schedule) : '';
}

const nameOf = (trigger: TriggerName): string => `${trigger.kind}/${trigger.namespace}/${trigger.name}`;
