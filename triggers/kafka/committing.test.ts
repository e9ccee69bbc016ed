import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loop } from '../../test/support/scripted-commit.ts';
import { type ConnectionPool, canJoin, patchCommitting } from './committing.ts';

/* The pool of one broker, as kafkajs has it: a connection for all but fetches, and one for fetches. */

const OFFSET_COMMIT = 8;
const HEARTBEAT = 12;

class FakeConnection {
  readonly versions = { some: 'versions' };
  readonly requestQueue = {
    enforceRequestTimeout: true,
    maxInFlightRequests: null,
    instrumentationEmitter: null,
    inflight: new Map<number, unknown>(),
    pending: [],
  };
  /** Requests that were answered. */
  served = 0;
  logins = 0;
  isOpen = true;
  readonly socket = {
    destroy: () => {
      this.isOpen = false;
    },
  };

  async connect(): Promise<void> {}
  async authenticate(): Promise<void> {
    this.logins++;
  }
  isConnected(): boolean {
    return this.isOpen;
  }
  send(): Promise<unknown> {
    if (!isServed || this.logins === 0) return new Promise(() => {});
    this.served++;
    return Promise.resolve({});
  }
  getSupportAuthenticationProtocol(): unknown {
    return null;
  }
  setSupportAuthenticationProtocol(): void {}
  setVersions(): void {}
}

let isServed: boolean;
let usual: FakeConnection;
let pool: ConnectionPool & { readonly pool: FakeConnection[] };
const own = () => pool.pool[2];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  patchCommitting();
  isServed = true;
  usual = new FakeConnection();
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connectionPool');
  pool = Object.assign(Object.create(prototype), {
    logger: {},
    pool: [usual, new FakeConnection()],
    connectionTimeout: 1_000,
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks until there is a connection that a commit may take. */
async function prove(): Promise<void> {
  expect(canJoin(pool)).toBe(false);
  await loop();
  expect(canJoin(pool)).toBe(true);
}

const connectionFor = (apiKey: number) => pool.getConnectionByRequest({ request: { apiKey } });

test('a second commit has a connection once the broker has served one, which is made when it is first asked for', async () => {
  expect(own()).toBeUndefined();
  await prove();
  expect(own()?.served).toBe(1);
});

test('it is trusted for a minute after it was used, and then proven anew', async () => {
  await prove();
  const made = own();
  vi.advanceTimersByTime(59_999);
  usual.requestQueue.inflight.set(1, {});
  expect(await connectionFor(OFFSET_COMMIT)).toBe(made);
  vi.advanceTimersByTime(59_999);
  expect(canJoin(pool)).toBe(true);
  vi.advanceTimersByTime(1);
  await prove();
  expect(own()).toBe(made);
  expect(made).toMatchObject({ served: 2, logins: 2 });
});

test('one that was closed is made anew, and what is left of its socket is ended', async () => {
  await prove();
  const made = own();
  if (made !== undefined) made.isOpen = false;
  const destroyed = vi.spyOn(made?.socket ?? { destroy() {} }, 'destroy');
  vi.advanceTimersByTime(10_000);
  await prove();
  expect(own()).not.toBe(made);
  expect(destroyed).toHaveBeenCalled();
});

test('one that is not served in time is ended, and the next is tried 10 s after the attempt', async () => {
  isServed = false;
  expect(canJoin(pool)).toBe(false);
  await loop();
  const first = own();
  vi.advanceTimersByTime(2_999);
  expect(first?.isOpen).toBe(true);
  vi.advanceTimersByTime(1);
  expect(first?.isOpen).toBe(false);
  isServed = true;
  vi.advanceTimersByTime(6_999);
  expect(canJoin(pool)).toBe(false);
  await loop();
  expect(own()).toBe(first);
  vi.advanceTimersByTime(1);
  await prove();
  expect(own()).not.toBe(first);
});

test('a commit takes it where the usual one is busy, and nothing else does', async () => {
  await prove();
  expect(await connectionFor(OFFSET_COMMIT)).toBe(usual);
  usual.requestQueue.inflight.set(1, {});
  expect(await connectionFor(HEARTBEAT)).toBe(usual);
  expect(await connectionFor(OFFSET_COMMIT)).toBe(own());
  own()?.requestQueue.inflight.set(1, {});
  expect(await connectionFor(OFFSET_COMMIT)).toBe(usual);
});

test('a commit never takes one that is not trusted any more', async () => {
  await prove();
  usual.requestQueue.inflight.set(1, {});
  vi.advanceTimersByTime(60_000);
  expect(await connectionFor(OFFSET_COMMIT)).toBe(usual);
});
