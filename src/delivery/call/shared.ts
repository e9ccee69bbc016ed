import type {
  Answer,
  Call,
  Caller,
  CallerFactory,
  CallListener,
  OutgoingRequest,
  PoolFactory,
  ResizableCaller,
} from './call.ts';

/**
 * One caller for each origin, whoever calls it. Thousands of triggers may call one function, and each by itself seldom:
 * connections of their own would be made for every call.
 *
 * There may be as many connections as all who share them may have, those that leave included until their last call has
 * ended. So nobody waits for another's calls, and no lane gets more than its own concurrency.
 */
export function sharedCallers(createPool: PoolFactory): CallerFactory {
  const pools = new Map<string, Pool>();
  return (origin, connections) => {
    const pool = pools.get(origin) ?? { caller: createPool(origin, connections), connections: 0 };
    pools.set(origin, pool);
    return new SharedCaller(pool, connections, () => pools.delete(origin));
  };
}

interface Pool {
  readonly caller: ResizableCaller;
  /** Of all who share it. */
  connections: number;
}

class SharedCaller implements Caller {
  readonly #pool: Pool;
  readonly #connections: number;
  readonly #onLast: () => void;
  #closing: Promise<void> | undefined;
  /** Under way. */
  #calls = 0;
  #onIdle: () => void = () => {};

  /** @param onLast called when nobody shares the pool any more */
  constructor(pool: Pool, connections: number, onLast: () => void) {
    this.#pool = pool;
    this.#connections = connections;
    this.#onLast = onLast;
    this.#resize(connections);
  }

  get prefersBursts(): boolean {
    return this.#pool.caller.prefersBursts;
  }

  send(request: OutgoingRequest, listener: CallListener): Call {
    this.#calls++;
    return this.#pool.caller.send(request, new SharedCall(this, listener));
  }

  ended(): void {
    if (--this.#calls === 0) this.#onIdle();
  }

  probe(): Promise<boolean> {
    return this.#pool.caller.probe();
  }

  close(): Promise<void> {
    this.#closing ??= this.#leave();
    return this.#closing;
  }

  async #leave(): Promise<void> {
    if (this.#calls > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    if (this.#pool.connections > this.#connections) return this.#resize(-this.#connections);
    this.#onLast();
    await this.#pool.caller.close();
  }

  #resize(by: number): void {
    this.#pool.connections += by;
    this.#pool.caller.resize(this.#pool.connections);
  }
}

class SharedCall implements CallListener {
  readonly #caller: SharedCaller;
  readonly #listener: CallListener;

  constructor(caller: SharedCaller, listener: CallListener) {
    this.#caller = caller;
    this.#listener = listener;
  }

  firstByte(now: number): void {
    this.#listener.firstByte(now);
  }

  answer(answer: Answer, now: number): void {
    this.#listener.answer(answer, now);
    this.#caller.ended();
  }
}
