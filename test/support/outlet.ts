import { createDelivery, type Delivery, type Outlet } from '../../src/delivery/delivery.ts';
import { markClaimed } from '../../src/domain/claim.ts';
import type { Event, EventId, OrderKey } from '../../src/domain/event.ts';
import type { FunctionTarget } from '../../src/domain/function.ts';
import { knownText } from '../../src/domain/header-text.ts';
import type { Passage, Room, Subscription, TriggerKind } from '../../src/domain/kind.ts';
import type { FunctionReport } from '../../src/domain/ledger.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { delivery as deliverySchema, type Delivery as Policy } from '../../src/domain/trigger.ts';
import { ManualClock } from './manual-clock.ts';
import { ScriptedFunction } from './scripted-function.ts';

const trigger = { kind: 'sample', namespace: 'default', name: 'orders', uid: 'u' };

const kind: TriggerKind = {
  name: 'sample',
  resource: {
    group: 'kubeless.io',
    version: 'v1beta1',
    kind: 'SampleTrigger',
    plural: 'sampletriggers',
    singular: 'sampletrigger',
    shortNames: [],
    namespaced: true,
  },
  eventNamespace: 'sampletriggers.kubeless.io',
  eventType: 'dev.trigate.sample',
  get spec(): never {
    throw new Error('nobody reads it here');
  },
  guarantee: { promise: '', crash: '', order: '' },
  open: () => Promise.reject(new Error('nobody opens it here')),
};

/** An event whose body is its id. */
export function event(id: string, order: OrderKey = null, more: Partial<Event> = {}): Event {
  return {
    id: id as EventId,
    time: 0,
    topic: 'orders',
    origin: knownText('/orders'),
    subject: undefined,
    contentType: undefined,
    attributes: undefined,
    headers: [],
    order,
    data: new TextEncoder().encode(id),
    coordinates: { type: 'log', topic: 'orders', offset: 0 },
    ...more,
  };
}

export interface OutletOptions {
  /** When a turn of the event loop ends: with each answer, or behind each step of `run`. */
  readonly turns?: 'at once' | 'deferred';
  readonly functions?: readonly string[];
  readonly timeout?: number;
  readonly delivery?: { readonly [Field in keyof Policy]?: unknown };
}

/** The delivery side of one subscription over functions in memory, on a clock that the test moves. */
export class OutletBench {
  readonly clock = new ManualClock();
  readonly names: readonly string[];
  readonly functions: Map<string, ScriptedFunction>;
  readonly delivery: Delivery;
  readonly outlet: Outlet;
  /** What was heard of each passed event. */
  readonly settled = new Map<string, readonly Outcome[]>();
  readonly #targets: FunctionTarget[];
  /** Whether a turn of the event loop ends only by `endTurn`; else each call's answer is a turn of its own. */
  holdsTurns: boolean;
  readonly #areDeferred: boolean;
  readonly #turnEnds: (() => void)[] = [];

  constructor({ functions = ['f'], timeout = 180_000, delivery = {}, turns = 'at once' }: OutletOptions = {}) {
    this.holdsTurns = turns === 'deferred';
    this.#areDeferred = this.holdsTurns;
    this.names = functions;
    this.functions = new Map(functions.map((name) => [name, new ScriptedFunction(this.clock)]));
    this.#targets = functions.map((name) => ({
      namespace: 'default',
      name,
      labels: {},
      url: `http://${name}/`,
      timeout,
    }));
    this.delivery = createDelivery({
      createCaller: (origin, connections) => this.f(new URL(origin).hostname).createCaller(origin, connections),
      sink: { outcome() {}, late() {}, gap() {}, forget() {} },
      userAgent: 'trigate/test',
      clock: this.clock,
      random: () => 1,
      endOfTurn: (callback) => {
        if (this.holdsTurns) this.#turnEnds.push(callback);
        else callback();
      },
    });
    const spec = { functionSelector: {}, delivery: deliverySchema.parse(delivery), fanout: 'shared' } as const;
    const subscription: Subscription = { trigger, spec, fanout: 'shared', functions };
    this.outlet = this.delivery.open(kind, subscription, this.#targets);
  }

  get gate() {
    return this.outlet.gate;
  }

  f(name = 'f'): ScriptedFunction {
    const found = this.functions.get(name);
    if (found === undefined) throw new Error(`no function ${name}`);
    return found;
  }

  /** Counts them as read, and passes them. An event that is settled twice fails the test. */
  pass(room: Room, events: readonly Event[]): Passage {
    this.outlet.account.read(events.length);
    return room.pass(markClaimed(events), (event, outcomes) => {
      if (this.settled.has(event.id)) throw new Error(`${event.id} was settled twice`);
      this.settled.set(event.id, [...outcomes]);
    });
  }

  /** Takes room at once, and passes. */
  push(...events: readonly Event[]): void {
    const room = this.gate.tryReserve(events.length);
    if (room.size < events.length) throw new Error(`there is room for ${room.size} of ${events.length}`);
    this.pass(room, events);
  }

  /** A source that always has more: reserve, claim in that time, pass; until nothing is left. */
  async source(events: readonly Event[], claimMs = 1, wanted = 512): Promise<void> {
    for (let from = 0; from < events.length; ) {
      const room = await this.gate.reserve(Math.min(wanted, events.length - from));
      if (room.size === 0) return;
      if (claimMs > 0) await new Promise<void>((resolve) => this.clock.after(claimMs, resolve));
      this.pass(room, events.slice(from, from + room.size));
      from += room.size;
    }
  }

  endTurn(): void {
    for (const callback of this.#turnEnds.splice(0)) callback();
  }

  /** Where a function lives from now on; undefined: nowhere. In pods, each needs an entry in `functions`. */
  move(name: string, url: string | undefined, pods?: readonly string[]): void {
    this.#targets.splice(
      0,
      this.#targets.length,
      ...this.#targets.map((target) => (target.name === name ? { ...target, url, pods } : target)),
    );
    this.outlet.update(this.#targets);
  }

  /** Moves time on in steps; what waits for a promise gets its turn between them. */
  async run(ms: number, step = 10): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      this.clock.advance(Math.min(step, left));
      if (this.#areDeferred) this.endTurn();
      await turns();
    }
  }

  /** Gives up what is left, and closes. */
  async shut(): Promise<void> {
    const drained = this.outlet.drain(this.clock.monotonic());
    this.clock.advance(0);
    await drained;
    await this.outlet.close();
  }

  outcome(id: string, position = 0): string {
    return nameOf(this.settled.get(id)?.[position]);
  }

  report(name = 'f'): FunctionReport {
    const found = this.delivery.report().triggers[0]?.functions.find((row) => row.name === name);
    if (found === undefined) throw new Error(`the ledger has no ${name}`);
    return found;
  }

  get balanced(): boolean {
    return this.delivery.report().balanced;
  }
}

/** `delivered`, `dropped(expired)`, or `pending` when there is none. */
export function nameOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'pending';
  return 'reason' in outcome ? `${outcome.type}(${outcome.reason})` : outcome.type;
}

/** Lets everything run that only waits for a promise. */
export async function turns(n = 12): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}
