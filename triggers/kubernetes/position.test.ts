import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backlog, Budget } from './backlog.ts';
import { Change } from './change.ts';
import { type Cursor, Hand } from './hand.ts';
import { copyOf, partPattern, readPart, resumeFrom, whole, writePart } from './position.ts';
import { kubernetesTriggerSpec } from './spec.ts';
import { before, compareVersions } from './version.ts';

const names = { apiVersion: 'v1', kind: 'Event' };
const spec = kubernetesTriggerSpec.parse({ resource: names, functionSelector: {}, events: ['deleted'] });
const FIRST = 100;

/** What a server tells, in its order: groups of so many changes that have one version. */
const told = (groups: readonly number[]): Change[] =>
  groups.flatMap((size, group) =>
    Array.from(
      { length: size },
      (_, i) =>
        new Change({
          uid: `u${group}-${i}`,
          namespace: 'default',
          name: `n${group}-${i}`,
          verb: 'deleted',
          origin: 'watched',
          resourceVersion: `${FIRST + 3 * (group + 1)}`,
          json: '{}',
          oldJson: undefined,
          time: group,
          heardAt: group,
        }),
    ),
  );

/** One trigger at its watch, and what may happen to both. */
class Model {
  readonly #told: readonly Change[];
  #next = 0;
  #backlog = this.#newBacklog();
  #hand: Hand;
  readonly taken: string[] = [];

  constructor(all: readonly Change[]) {
    this.#told = all;
    this.#backlog.restart(whole(`${FIRST}`));
    this.#hand = this.#newHand({ ...whole(`${FIRST}`), time: 0 });
  }

  read(count: number): void {
    for (const change of this.#told.slice(this.#next, this.#next + count)) this.#backlog.append(change);
    this.#next = Math.min(this.#told.length, this.#next + count);
  }

  /** A server sends them also within a version. */
  bookmark(): void {
    const last = this.#told[this.#next - 1];
    if (last === undefined) return;
    const version = before(last.facts.resourceVersion);
    if (compareVersions(version, resumeFrom(this.#backlog.head)) > 0) this.#backlog.moveTo(version);
  }

  take(room: number): void {
    this.taken.push(...this.#hand.take(room).claim.map(({ facts }) => facts.name));
  }

  /** The connection is lost. */
  cut(): void {
    this.#watchFrom(resumeFrom(this.#backlog.head));
  }

  /** Another trigger joins behind what the backlog holds. */
  rewind(): void {
    this.#hand.hold();
    const at = resumeFrom(this.#hand.cursor);
    this.#backlog.restart(whole(at));
    this.#hand.restarted();
    this.#watchFrom(at);
  }

  /** The process ends, in any way: only what is stored is left. */
  restart(): void {
    const { version, part, time } = this.#hand.cursor;
    const stored = part === undefined ? undefined : writePart(part);
    if (stored !== undefined) expect(stored).toMatch(partPattern);
    const cursor = { version, part: stored === undefined ? undefined : readPart(stored), time };
    const at = resumeFrom(cursor);
    this.#backlog = this.#newBacklog();
    this.#backlog.restart(whole(at));
    this.#hand = this.#newHand(cursor);
    this.#watchFrom(at);
  }

  #watchFrom(version: string): void {
    const next = this.#told.findIndex(({ facts }) => compareVersions(facts.resourceVersion, version) > 0);
    this.#next = next < 0 ? this.#told.length : next;
  }

  #newBacklog(): Backlog {
    return new Backlog({ most: { changes: 10_000, bytes: 2 ** 30 }, budget: new Budget(2 ** 30), onForget() {} });
  }

  #newHand(cursor: Cursor): Hand {
    return new Hand(this.#backlog, names, spec, { ...copyOf(cursor), time: cursor.time }, true);
  }
}

const step = fc.oneof(
  fc.record({ type: fc.constant('read' as const), count: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ type: fc.constant('take' as const), count: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ type: fc.constantFrom('bookmark' as const, 'cut' as const, 'rewind' as const, 'restart' as const) }),
);

test('changes that share a version are each had once, whatever happens between them', () => {
  const groups = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(groups, fc.array(step, { maxLength: 60 }), (sizes, steps) => {
      const all = told(sizes);
      const model = new Model(all);
      for (const each of steps) {
        if (each.type === 'read') model.read(each.count);
        else if (each.type === 'take') model.take(each.count);
        else model[each.type]();
      }
      model.read(all.length);
      model.take(all.length);
      expect(model.taken).toEqual(all.map(({ facts }) => facts.name));
    }),
    { numRuns: 500 },
  );
});

test('a thousand deletions of one version are kept in a few bytes each', () => {
  const all = told([1_000]);
  const backlog = new Backlog({
    most: { changes: 10_000, bytes: 2 ** 30 },
    budget: new Budget(2 ** 30),
    onForget() {},
  });
  backlog.restart(whole(`${FIRST}`));
  const hand = new Hand(backlog, names, spec, { ...whole(`${FIRST}`), time: 0 }, true);
  for (const change of all) backlog.append(change);
  hand.take(999);
  const { version, part } = hand.cursor;
  expect({ version, from: resumeFrom({ version, part }) }).toEqual({ version: '103', from: '102' });
  expect(writePart(part ?? new Set())).toHaveLength(12 * 999);
  backlog.moveTo('150');
  hand.take(1);
  expect(hand.cursor).toMatchObject({ version: '150', part: undefined });
});
