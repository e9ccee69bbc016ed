import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBalanced, noCounts } from '../../../src/domain/ledger.ts';
import type { LogGroup } from '../../../src/standalone/log/open-group.ts';
import type { TopicLog } from '../../../src/standalone/log/topic-log.ts';
import { tempDir } from '../../support/temp.ts';
import { everything, message, openLogIn, RecordingOwner } from '../../support/topic-log.ts';

const TOPICS = ['a', 'b.x', 'b.y'];
const PATTERNS = ['a', 'b.*', '>'];

const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('publish'), n: fc.nat(2), size: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('claim'), n: fc.nat(2), size: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('settle'), n: fc.nat(2), size: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('skip'), n: fc.nat(2), size: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen'), n: fc.nat(2), size: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('crash'), n: fc.nat(2), size: fc.nat(5) }) },
);

/** One group beside what it should be. */
interface Side {
  owner: RecordingOwner;
  group: LogGroup;
  decided: number;
  outstanding: number[];
}

class World {
  readonly #topicOf: string[] = [];
  #folder: string;
  #log: TopicLog;
  #sides: Side[];

  constructor(folder: string) {
    this.#folder = folder;
    this.#log = openLogIn(folder);
    this.#sides = PATTERNS.map((pattern) => this.#open(pattern));
  }

  #open(pattern: string, before?: Side, crashed = false): Side {
    const owner = new RecordingOwner();
    const request = { name: pattern, pattern, startFrom: 'earliest' as const, functions: ['f'] };
    const group = this.#log.openGroup(request, owner);
    const { counts, inDoubt } = group.predecessor;
    const seqs = inDoubt.map(({ seq }) => seq);
    const outstanding = [...(before?.outstanding ?? [])].sort((x, y) => x - y);
    // A crash may take settlements and skipped positions that were not stored yet; never a claim.
    if (crashed) expect(seqs).toEqual(expect.arrayContaining(outstanding));
    else expect(seqs).toEqual(outstanding);
    if (crashed) expect(group.position).toBeLessThanOrEqual(before?.decided ?? 0);
    else expect(group.position).toBe(before?.decided ?? 0);
    const stored = counts.get('f') ?? noCounts();
    expect(isBalanced(stored, inDoubt.length)).toBe(true);
    expect(stored.read).toBe(this.#matching(pattern).filter((seq) => seq <= group.position).length);
    stored.unknown.crash += inDoubt.length;
    owner.books.set('f', stored);
    return { owner, group, decided: group.position, outstanding: [] };
  }

  async run({ type, n, size }: { type: string; n: number; size: number }): Promise<void> {
    const side = this.#sides[n];
    if (side === undefined) return;
    switch (type) {
      case 'publish':
        return this.publish(TOPICS[n] ?? 'a', size);
      case 'claim':
        return this.decide(side, n, size, true);
      case 'skip':
        return this.decide(side, n, size, false);
      case 'settle':
        return this.settle(side, size);
      case 'crash':
        return this.crash();
      default:
        return this.reopen();
    }
  }

  async publish(topic: string, times: number): Promise<void> {
    const all = Array.from({ length: times }, () => this.#log.publish(topic, message(topic)));
    for (const { offset } of await Promise.all(all)) this.#topicOf[Number(offset)] = topic;
  }

  async decide({ owner, group, ...side }: Side, n: number, size: number, claims: boolean): Promise<void> {
    const { events } = group.read(side.decided, { ...everything, count: size + 1 });
    const expected = this.#matching(PATTERNS[n] ?? '').filter((seq) => seq > side.decided);
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual(expected.slice(0, size + 1));
    const last = seqs.at(-1);
    const counts = owner.books.get('f');
    const model = this.#sides[n];
    if (last === undefined || counts === undefined || model === undefined) return;
    counts.read += seqs.length;
    model.decided = last;
    if (claims) {
      counts.claimed += seqs.length;
      model.outstanding.push(...seqs);
      await group.claim(seqs, last);
    } else {
      counts.droppedBeforeClaim.too_large += seqs.length;
      group.skip(last);
    }
  }

  settle({ owner, group, outstanding }: Side, at: number): void {
    const counts = owner.books.get('f');
    const [seq] = outstanding.splice(at % (outstanding.length || 1), 1);
    if (seq === undefined || counts === undefined) return;
    counts.delivered++;
    group.settle(seq);
  }

  async reopen(): Promise<void> {
    await this.#log.close();
    await this.#openAll(false);
  }

  /** What a killed process leaves behind is the two files as they are in this moment. */
  async crash(): Promise<void> {
    const left = join(this.#folder, 'left');
    mkdirSync(left);
    for (const file of ['log.db', 'log.db-wal']) copyFileSync(join(this.#folder, file), join(left, file));
    await this.#log.close();
    this.#folder = left;
    await this.#openAll(true);
  }

  async #openAll(crashed: boolean): Promise<void> {
    this.#log = openLogIn(this.#folder);
    const before = this.#sides;
    this.#sides = PATTERNS.map((pattern, i) => this.#open(pattern, before[i], crashed));
    await Promise.all(this.#sides.map(({ group }) => group.adopt()));
  }

  close = () => this.#log.close();

  #matching(pattern: string): number[] {
    const wanted = (topic: string) => pattern === '>' || pattern === topic || (pattern === 'b.*' && topic !== 'a');
    return this.#topicOf.flatMap((topic, seq) => (wanted(topic) ? [seq] : []));
  }
}

it('any sequence of publish, claim, skip, settle, reopen and crash keeps positions, claims and counts as a model has them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (commands) => {
      await using dir = await tempDir('model');
      const world = new World(dir.path);
      try {
        for (const one of commands) await world.run(one);
        await world.reopen();
      } finally {
        await world.close();
      }
    }),
    { numRuns: 60 },
  );
});
