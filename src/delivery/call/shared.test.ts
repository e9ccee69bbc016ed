import { expect, test } from 'vitest';
import type { PoolFactory } from './call.ts';
import { sharedCallers } from './shared.ts';

/** Notes what is asked of pools. */
class Pools {
  readonly seen: string[] = [];
  readonly create: PoolFactory = (origin) => {
    this.seen.push(`open ${origin}`);
    return {
      prefersBursts: false,
      send: () => {
        this.seen.push(`send ${origin}`);
        return { abort() {} };
      },
      probe: () => Promise.resolve(true),
      resize: (connections) => this.seen.push(`${connections} to ${origin}`),
      close: async () => {
        this.seen.push(`close ${origin}`);
      },
    };
  };

  take(): string[] {
    return this.seen.splice(0);
  }
}

test('whoever calls one origin shares its connections, and brings as many as it may have', async () => {
  const pools = new Pools();
  const createCaller = sharedCallers(pools.create);
  const a = createCaller('http://f', 32);
  const b = createCaller('http://f', 8);
  createCaller('http://g', 1);
  expect(pools.take()).toEqual(['open http://f', '32 to http://f', '40 to http://f', 'open http://g', '1 to http://g']);
  await a.close();
  await a.close();
  expect(pools.take()).toEqual(['8 to http://f']);
  await b.close();
  expect(pools.take()).toEqual(['close http://f']);
});

test('a pool that is closing takes nobody in', async () => {
  const pools = new Pools();
  const createCaller = sharedCallers(pools.create);
  const closing = createCaller('http://f', 32).close();
  createCaller('http://f', 8);
  await closing;
  expect(pools.take()).toEqual(['open http://f', '32 to http://f', 'close http://f', 'open http://f', '8 to http://f']);
});
