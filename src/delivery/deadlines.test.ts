import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { DeadlineList, type Timed } from './deadlines.ts';

interface Item extends Timed {
  readonly n: number;
}

const item = (n: number): Item => ({ n, previousTimed: null, nextTimed: null, deadline: 0, timedIn: null });

const command = fc.record({
  type: fc.constantFrom('add', 'add', 'remove', 'remove again', 'wait'),
  pick: fc.nat(20),
  ms: fc.constantFrom(0, 1, 3, 10, 40, 99, 100, 101, 250),
});

test('expires what a naive list expires, each once and in the order of the deadlines, with at most one timer', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const clock = new ManualClock();
      const expired: number[] = [];
      const list = new DeadlineList<Item>(clock, 100, (late) => {
        expect(late.deadline).toBeLessThanOrEqual(clock.monotonic());
        inside.delete(late);
        expired.push(late.deadline);
        ended.add(late);
      });
      const inside = new Set<Item>();
      const outside = new Set<Item>();
      const ended = new Set<Item>();
      for (const [n, { type, pick, ms }] of commands.entries()) {
        const chosen = [...(type === 'remove again' ? outside : inside)][pick % 7];
        if (type === 'add') {
          const added = item(n);
          list.add(added, clock.monotonic());
          inside.add(added);
        } else if (type === 'remove' && chosen !== undefined) {
          list.remove(chosen);
          inside.delete(chosen);
          outside.add(chosen);
        } else if (type === 'remove again' && chosen !== undefined) {
          list.remove(chosen);
        } else if (type === 'wait') {
          const due = [...inside].filter(({ deadline }) => deadline <= clock.monotonic() + ms).length;
          const before = expired.length;
          clock.advance(ms);
          expect(expired.length - before).toBe(due);
        }
        const listed: Item[] = [];
        list.forEach((each) => {
          listed.push(each);
        });
        expect(new Set(listed)).toEqual(inside);
        expect(listed.map(({ deadline }) => deadline)).toEqual(
          listed.map(({ deadline }) => deadline).sort((a, b) => a - b),
        );
        expect(clock.pending).toBeLessThanOrEqual(1);
        if (inside.size > 0) expect(clock.pending).toBe(1);
      }
      expect(expired).toEqual([...expired].sort((a, b) => a - b));
      list.close();
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 3_000 },
  );
});
