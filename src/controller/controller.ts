import { isDeepStrictEqual } from 'node:util';
import type { Delivery } from '../delivery/delivery.ts';
import type { Clock, Deadline } from '../domain/clock.ts';
import type { Logger, Memory, TriggerKind } from '../domain/kind.ts';
import { type Trigger, type TriggerName, triggerKey } from '../domain/trigger.ts';
import { type DirectoryOptions, type FunctionDirectory, followFunctions } from '../functions/discovery.ts';
import { type Follower, follow } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';
import { Finalizers } from './finalizers.ts';
import { type Notice, noticesOf } from './notices.ts';
import { Planner } from './planner.ts';
import type { Desired, TriggerPlan } from './reconcile.ts';
import { conditionsOf, isOpening, type SubscriptionState } from './status.ts';
import { StatusStores } from './status-store.ts';
import { StatusWriter } from './status-writer.ts';
import { RunningSubscription, type SubscriptionProgress } from './subscription.ts';
import type { Tallies } from './tallies.ts';

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
  /** Milliseconds after which a source that has work and does not move is opened anew. */
  readonly stallAfter: number;
  /** Hears what a person must know of a trigger. It must not throw. */
  readonly tell?: ((trigger: Trigger, notice: Notice) => void) | undefined;
  /** What became of copies, to be shown in the status of triggers. */
  readonly tallies?: Tallies | undefined;
}

/** How far the sources of a trigger are, to be measured. */
export interface ProgressView extends SubscriptionProgress {
  readonly trigger: TriggerName;
  /** The function of the subscription; `*` where all share one. */
  readonly functionName: string;
}

/** A trigger as a person wants to see it. */
export interface TriggerView {
  readonly trigger: TriggerName;
  /** Topic, subject, schedule. */
  readonly topic: string;
  readonly functions: readonly string[];
  readonly ready: boolean;
  readonly connected: boolean;
  /** A source is being opened for the first time: nobody can say yet whether it connects. */
  readonly isOpening: boolean;
  readonly message: string;
}

/** How long a subscription that is no longer wanted may finish what it has claimed. */
const CLOSE_MS = 25_000;
/** What the followers tell in one burst is worked out once. */
const RECONCILE_DELAY_MS = 5;
/** With thousands of triggers comparing takes its time: it may have this part of it, and no more. */
const RECONCILE_SHARE = 0.2;

/**
 * Runs all triggers of some kinds: works out what should run from the objects as they are, compares it with what runs,
 * and opens and closes subscriptions. A subscription that a change does not concern is not touched.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #closing = new AbortController();
  /** The deadline of the close is over: no answer is waited for. */
  readonly #over = new AbortController();
  readonly #triggers: readonly { kind: TriggerKind; follower: Follower<Trigger> }[];
  readonly #functions: FunctionDirectory;
  readonly #running = new Map<string, RunningSubscription>();
  /** Subscriptions that are closing; the next of the same key waits for them. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #stores: StatusStores;
  readonly #planner = new Planner();
  readonly #status: StatusWriter;
  readonly #finalizers: Finalizers;
  #cancelReconcile: (() => void) | undefined;
  /** How long it took the last time. */
  #reconcileMs = 0;
  #started = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#stores = new StatusStores(options.resources);
    this.#status = new StatusWriter({
      ...options,
      planOf: (key) => this.#planner.planOf(key),
      running: (plan) => this.#states(plan),
      onWritten: ({ object }, before, after) => {
        for (const notice of noticesOf(before, after)) options.tell?.(object, notice);
      },
    });
    this.#finalizers = new Finalizers({ ...options, signal: this.#over.signal, onRetry: () => this.#reconcileSoon() });
    const following = {
      namespace: options.namespace,
      clock: options.clock,
      random: options.random,
      log: options.log,
      signal: this.#closing.signal,
    };
    this.#triggers = options.kinds.map((kind) => ({
      kind,
      follower: follow<Trigger>(options.resources, kind.resource, {
        ...following,
        onChange: (changed) => this.#changed(kind, changed),
      }),
    }));
    const onChange = () => this.#reconcileSoon();
    this.#functions = (options.functions ?? followFunctions)(options.resources, { ...following, onChange });
  }

  /** Resolves when the first comparison has been made: all subscriptions that should run are at least opening. */
  async start(): Promise<void> {
    await Promise.all([this.#functions.synced, ...this.#triggers.map(({ follower }) => follower.synced)]);
    this.#started = true;
    this.#reconcile();
  }

  views(): TriggerView[] {
    return this.#planner.plans.map((plan) => {
      const states = this.#states(plan);
      const conditions = conditionsOf(plan, states);
      const ready = conditions.find((condition) => condition.type === 'Ready');
      const connected = conditions.find((condition) => condition.type === 'SourceConnected');
      return {
        trigger: plan.trigger,
        topic: listensTo(plan.object.spec),
        functions: plan.functions,
        ready: ready?.status === 'True',
        connected: connected?.status === 'True',
        isOpening: states.some(({ source }) => isOpening(source)),
        message: ready?.message ?? '',
      };
    });
  }

  /** Tells a person about a trigger that is known here; nothing of one that is not. */
  tell(trigger: TriggerName, notice: Notice): void {
    const plan = this.#planner.planOf(triggerKey(trigger));
    if (plan !== undefined) this.#options.tell?.(plan.object, notice);
  }

  /** Of every subscription whose source tells it. No request is made. */
  progress(): ProgressView[] {
    return [...this.#running.values()].flatMap((running) => {
      const { trigger, fanout, functions } = running.desired.subscription;
      const progress = running.progress();
      if (progress === undefined) return [];
      return [{ trigger, functionName: fanout === 'shared' ? '*' : (functions[0] ?? '*'), ...progress }];
    });
  }

  /** Closes every subscription, then stops following. Idempotent. */
  async close(deadline: Deadline): Promise<void> {
    const { clock } = this.#options;
    this.#closing.abort();
    this.#cancelReconcile?.();
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => this.#over.abort());
    const written = Promise.all([this.#status.close(deadline), this.#finalizers.close()]);
    await Promise.all([...this.#running.values()].map((subscription) => subscription.close(deadline)));
    await Promise.all(this.#ending.values());
    await Promise.all([this.#functions.close(), ...this.#triggers.map(({ follower }) => follower.close()), written]);
    cancel();
  }

  /** A status that was written comes back as a change, and changes nothing that runs. */
  #changed(kind: TriggerKind, object: Trigger | undefined): void {
    const plan = object === undefined ? undefined : this.#planner.refresh(kind, object);
    if (plan === undefined) this.#reconcileSoon();
    else this.#show(plan);
  }

  /** Tells those that keep something in its status, or write it. */
  #show({ trigger, object }: TriggerPlan): void {
    if (this.#closing.signal.aborted) return;
    this.#stores.changed(object);
    this.#status.soon(triggerKey(trigger));
  }

  #reconcileSoon(): void {
    if (!this.#started || this.#cancelReconcile !== undefined || this.#closing.signal.aborted) return;
    const { clock } = this.#options;
    const pause = Math.max(RECONCILE_DELAY_MS, this.#reconcileMs / RECONCILE_SHARE);
    this.#cancelReconcile = clock.after(pause, () => {
      this.#cancelReconcile = undefined;
      const start = clock.monotonic();
      this.#reconcile();
      this.#reconcileMs = clock.monotonic() - start;
    });
  }

  #reconcile(): void {
    if (this.#closing.signal.aborted) return;
    const functions = this.#functions.all();
    const before = this.#planner.plans;
    const plans = this.#planner.plan(
      this.#triggers.map(({ kind, follower }) => ({ kind, objects: follower.objects.values() })),
      functions,
    );
    const wanted = new Map(plans.flatMap((plan) => plan.subscriptions).map((desired) => [desired.key, desired]));
    for (const [key, running] of this.#running) {
      const desired = wanted.get(key);
      if (desired === undefined || desired.version !== running.desired.version) this.#end(key, running);
      else running.update(desired.targets);
    }
    for (const desired of wanted.values()) if (!this.#running.has(desired.key)) this.#begin(desired);
    const known = new Set(before);
    for (const plan of plans) if (!known.has(plan)) this.#show(plan);
    this.#forgetDeleted(before);
    this.#letGo();
  }

  #begin(desired: Desired): void {
    const { delivery, clock, random, log, stallAfter } = this.#options;
    const memory = this.#memoryOf(desired);
    const store = this.#stores.of(desired);
    const key = triggerKey(desired.subscription.trigger);
    const onChange = () => this.#status.soon(key);
    const options = { delivery, clock, random, log, memory, store, stallAfter, onChange };
    this.#running.set(desired.key, new RunningSubscription(desired, options, this.#ending.get(desired.key)));
  }

  /** Kept in the status of the trigger object. */
  #memoryOf({ kind, subscription }: Desired): Memory {
    const { namespace, name } = subscription.trigger;
    const stored = () => this.#planner.planOf(triggerKey(subscription.trigger))?.object;
    return {
      recall: (key) => stored()?.status?.memory?.[key],
      remember: async (key, value) => {
        const change = (object: Trigger): Trigger | undefined => {
          if (isDeepStrictEqual(object.status?.memory?.[key], value)) return undefined;
          return { ...object, status: { ...object.status, memory: { ...object.status?.memory, [key]: value } } };
        };
        const { signal } = this.#over;
        await this.#options.resources.updateStatus(kind.resource, namespace, name, change, { signal });
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
    for (const { trigger } of before) {
      const key = triggerKey(trigger);
      if (this.#planner.planOf(key) !== undefined) continue;
      this.#status.forget(key);
      void this.#ended(trigger).then(() => {
        if (this.#planner.planOf(key) !== undefined) return;
        this.#options.delivery.forget(trigger);
        this.#options.tallies?.forget(trigger);
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
    const prefix = `${triggerKey(trigger)}/`;
    await Promise.all([...this.#ending].filter(([key]) => key.startsWith(prefix)).map(([, ended]) => ended));
  }

  #states(plan: TriggerPlan): SubscriptionState[] {
    return plan.subscriptions.flatMap(({ key }) => this.#running.get(key)?.state ?? []);
  }
}

/** Topic, subject, schedule, or the kind that is watched. */
function listensTo(spec: unknown): string {
  if (typeof spec !== 'object' || spec === null) return '';
  if ('topic' in spec) return String(spec.topic);
  if ('resource' in spec && typeof spec.resource === 'object' && spec.resource !== null && 'kind' in spec.resource)
    return String(spec.resource.kind);
  return 'schedule' in spec ? String(spec.schedule) : '';
}
