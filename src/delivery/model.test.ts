import fc from 'fast-check';
import { expect, test } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';
import type { ScriptedCall } from '../../test/support/scripted-function.ts';
import { markClaimed } from '../domain/claim.ts';
import type { Event } from '../domain/event.ts';
import type { Room } from '../domain/kind.ts';

/*
 * Random passes, answers, turns of the event loop, endpoint flaps, time jumps and drains against the laws of the delivery side, whatever happens:
 * a copy's first byte leaves at most once; what is read is accounted once for each function; the ledger balances at every
 * moment; events of a key leave in order; no more calls are under way than allowed; nothing is given out that does not fit.
 */

const CONCURRENCY = 3;
const ROOM = 6;
const FUNCTIONS = ['f', 'g'];

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom('take', 'reserve'), n: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('pass'), n: fc.nat(9), keys: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release'), n: fc.nat(3) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constantFrom('firstByte', 'ok', 'ok', 'error', 'reset', 'refused', 'invalid'),
      f: fc.nat(1),
      n: fc.nat(5),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('endTurn', 'holdTurns') }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('away', 'back', 'deaf', 'listens'), f: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('wait'), ms: fc.constantFrom(1, 60, 300, 1_000, 5_000, 31_000) }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly bench: OutletBench;
  readonly #names: readonly string[];
  readonly #rooms: Room[] = [];
  readonly #passed: Event[] = [];
  readonly #settled = new Map<string, number>();
  #waiting = 0;
  #isEnding = false;
  #n = 0;

  constructor(functions: number) {
    this.#names = FUNCTIONS.slice(0, functions);
    this.bench = new OutletBench({
      functions: this.#names,
      delivery: { concurrency: CONCURRENCY, room: ROOM, ttl: '30s', timeout: '20s', stall: '4s' },
    });
  }

  async run(step: Command): Promise<void> {
    await this.#do(step);
    await turns();
    this.#check();
  }

  async #do(step: Command): Promise<void> {
    switch (step.type) {
      case 'take':
        this.#keep(this.bench.gate.tryReserve(step.n));
        return;
      case 'reserve':
        this.#waiting++;
        void this.bench.gate.reserve(step.n, this.bench.clock.monotonic() + 2_000).then((room) => {
          this.#waiting--;
          this.#keep(room);
        });
        return;
      case 'pass':
        this.#pass('keys' in step ? step.keys : 0, step.n);
        return;
      case 'release':
        this.#rooms.splice(step.n % Math.max(1, this.#rooms.length), 1)[0]?.release();
        return;
      case 'holdTurns':
        this.bench.holdsTurns = true;
        return;
      case 'endTurn':
        this.#endTurn();
        return;
      case 'wait':
        await this.bench.run(step.ms, Math.max(1, step.ms / 4));
        return;
      default:
        this.#disturb(step);
    }
  }

  #keep(room: Room): void {
    if (room.size === 0) return;
    if (this.#isEnding) room.release();
    else this.#rooms.push(room);
  }

  #pass(keys: number, n: number): void {
    const room = this.#rooms.shift();
    if (room === undefined) return;
    const events = Array.from({ length: Math.min(room.size, n) }, () => {
      const id = this.#n++;
      return event(`e${id}`, keys === 0 ? null : id % keys);
    });
    this.#passed.push(...events);
    this.bench.outlet.account.read(events.length);
    room.pass(markClaimed(events), ({ id }, outcomes) => {
      this.#settled.set(id, (this.#settled.get(id) ?? 0) + 1);
      expect(outcomes.filter((outcome) => outcome !== undefined).length).toBe(this.#names.length);
    });
  }

  #disturb(step: { type: string; f?: number; n?: number }): void {
    const name = this.#names[(step.f ?? 0) % this.#names.length] ?? 'f';
    const f = this.bench.f(name);
    const call = [...f.open][(step.n ?? 0) % Math.max(1, f.open.size)];
    if (step.type === 'away') this.bench.move(name, undefined);
    else if (step.type === 'back') this.bench.move(name, `http://${name}/`);
    else if (step.type === 'deaf') f.isListening = false;
    else if (step.type === 'listens') f.isListening = true;
    else if (call !== undefined) answer(call, step.type);
  }

  #check(): void {
    const { bench } = this;
    expect(bench.balanced).toBe(true);
    for (const name of this.#names) {
      const f = bench.f(name);
      const row = bench.report(name);
      expect(new Set(f.firstBytes).size).toBe(f.firstBytes.length);
      expect(f.open.size).toBeLessThanOrEqual(CONCURRENCY);
      expect(row.claimed).toBe(this.#passed.length);
      expect(row.inFlight).toBeLessThanOrEqual(ROOM + CONCURRENCY);
      this.#checkOrder(f.firstBytes);
    }
    for (const times of this.#settled.values()) expect(times).toBe(1);
    if (this.#names.length === 1) {
      const reserved = this.#rooms.reduce((sum, { size }) => sum + size, 0);
      expect(bench.report('f').inFlight + reserved).toBeLessThanOrEqual(ROOM + CONCURRENCY);
      // With one function nobody loses what fitted when it was reserved.
      expect(bench.report('f').dropped.overflow).toBe(undefined);
    }
  }

  #checkOrder(firstBytes: readonly string[]): void {
    const place = new Map(this.#passed.map(({ id }, i) => [String(id), i]));
    const last = new Map<number, number>();
    for (const id of firstBytes) {
      const at = place.get(id) ?? -1;
      const key = this.#passed[at]?.order;
      if (key === null || key === undefined) continue;
      // Keys of different passes are numbered alike, and so are one key.
      expect(at).toBeGreaterThan(last.get(key) ?? -1);
      last.set(key, at);
    }
  }

  /** Everything ends: no event without an outcome, nobody who waits, no timer. */
  async end(isHard: boolean): Promise<void> {
    const { bench } = this;
    this.#isEnding = true;
    if (isHard) {
      await bench.shut();
      this.#endTurn();
      for (const room of this.#rooms.splice(0)) this.#late(room);
    } else {
      for (const room of this.#rooms.splice(0)) room.release();
      for (const name of this.#names) {
        bench.move(name, `http://${name}/`);
        bench.f(name).takes(5);
        bench.f(name).isListening = true;
        for (const call of [...bench.f(name).open]) answer(call, 'ok');
      }
      const drained = bench.outlet.drain(bench.clock.monotonic() + 60_000);
      this.#endTurn();
      await bench.run(8_000, 400);
      await drained;
      for (const name of this.#names) expect(bench.report(name).dropped.shutdown).toBe(undefined);
      await bench.outlet.close();
    }
    await turns();
    this.#check();
    expect(this.#waiting).toBe(0);
    for (const name of this.#names) expect(bench.report(name).inFlight).toBe(0);
    expect(this.#settled.size).toBe(this.#passed.length);
    // A probe that was under way may be the last to end.
    await bench.run(5_100, 1_700);
    expect(bench.clock.pending).toBe(0);
  }

  #endTurn(): void {
    this.bench.holdsTurns = false;
    this.bench.endTurn();
  }

  /** A claim that came after the end. */
  #late(room: Room): void {
    const before = this.#names.map((name) => this.bench.f(name).calls.length);
    this.#rooms.push(room);
    this.#pass(0, room.size);
    expect(this.#names.map((name) => this.bench.f(name).calls.length)).toEqual(before);
  }
}

function answer(call: ScriptedCall, type: string): void {
  switch (type) {
    case 'firstByte':
      if (call.state === 'connecting') call.firstByte();
      return;
    case 'ok':
      call.answer({ type: 'answered', status: 200 });
      return;
    case 'error':
      call.answer({ type: 'answered', status: 500 });
      return;
    case 'reset':
      call.answer({ type: 'unknown', reason: 'reset' });
      return;
    case 'refused':
      if (call.state === 'connecting') call.answer({ type: 'notSent', cause: new Error('refused') });
      return;
    case 'invalid':
      if (call.state === 'connecting') call.answer({ type: 'invalid', cause: new Error('bad') });
      return;
    default:
      throw new Error(type);
  }
}

test.each([
  ['one function', 1],
  ['two functions that share a source', 2],
])(
  'the laws hold under any sequence of events: %s',
  async (_, functions) => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 50 }), fc.boolean(), async (commands, isHard) => {
        const world = new World(functions);
        for (const step of commands) await world.run(step);
        await world.end(isHard);
      }),
      { numRuns: 4_000 },
    );
  },
  60_000,
);
