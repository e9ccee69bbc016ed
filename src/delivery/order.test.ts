import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ordered, OrderedQueue } from './order.ts';

class Item implements Ordered {
  behind: Ordered | null = null;
  gone = false;
  readonly n: number;
  readonly order: number | null;

  constructor(n: number, order: number | null) {
    this.n = n;
    this.order = order;
  }
}

/** The same by searching: the first whose key is free, of those that were free first. */
class Model {
  readonly ready: Item[] = [];
  readonly chains = new Map<number, Item[]>();

  push(item: Item): void {
    const chain = item.order === null ? undefined : this.chains.get(item.order);
    if (item.order !== null && chain === undefined) this.chains.set(item.order, []);
    (chain ?? this.ready).push(item);
  }

  take(): Item | undefined {
    for (;;) {
      const item = this.ready.shift();
      if (item === undefined || !item.gone) return item;
      this.done(item);
    }
  }

  done(item: Item): void {
    if (item.order === null) return;
    const alive = (this.chains.get(item.order) ?? []).filter(({ gone }) => !gone);
    const next = alive.shift();
    if (next === undefined) this.chains.delete(item.order);
    else {
      this.chains.set(item.order, alive);
      this.ready.push(next);
    }
  }
}

const command = fc.record({
  type: fc.constantFrom('push', 'push', 'take', 'take', 'done', 'putBack', 'gone'),
  key: fc.option(fc.nat(3), { nil: null }),
  pick: fc.nat(20),
});

test('behaves as a naive queue does, under any sequence of commands', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const queue = new OrderedQueue<Item>();
      const model = new Model();
      const waiting: Item[] = [];
      const running: Item[] = [];
      for (const [n, { type, key, pick }] of commands.entries()) {
        const chosen = running[pick % Math.max(1, running.length)];
        if (type === 'push') {
          const item = new Item(n, key);
          waiting.push(item);
          queue.push(item);
          model.push(item);
        } else if (type === 'take') {
          const item = queue.take();
          expect(item).toBe(model.take());
          if (item !== undefined) {
            waiting.splice(waiting.indexOf(item), 1);
            running.push(item);
          }
        } else if (type === 'gone') {
          const item = waiting[pick % Math.max(1, waiting.length)];
          if (item !== undefined) item.gone = true;
        } else if (chosen !== undefined) {
          running.splice(running.indexOf(chosen), 1);
          if (type === 'done') {
            queue.done(chosen);
            model.done(chosen);
          } else {
            queue.putBack(chosen);
            model.ready.unshift(chosen);
            waiting.push(chosen);
          }
        }
        const keys = running.flatMap(({ order }) => (order === null ? [] : [order]));
        expect(new Set(keys).size).toBe(keys.length);
        expect(queue.hasReady).toBe(model.ready.length > 0);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('forgets a key when nothing of it waits or runs', () => {
  const queue = new OrderedQueue<Item>();
  for (let n = 0; n < 1_000; n++) {
    queue.push(new Item(n, n));
    const item = queue.take();
    if (item !== undefined) queue.done(item);
  }
  expect(queue.hasReady).toBe(false);
  // A key that is forgotten is free: its next item is ready at once.
  queue.push(new Item(1_000, 7));
  expect(queue.take()?.n).toBe(1_000);
});
