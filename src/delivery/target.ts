import type { Cancel, Clock } from '../domain/clock.ts';
import type { Call, Caller, CallerFactory, CallListener, OutgoingRequest } from './call/call.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export interface TargetOptions {
  readonly connections: number;
  readonly createCaller: CallerFactory;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Where a function lives, and whether it can be reached.
 *
 * Without a known URL it cannot. With one it can, until a connection is refused; from then on bare connections, which
 * cost no event, are tried with growing pauses until one succeeds or another URL becomes known.
 */
export class Target {
  /** Called whenever `reachable` may have changed. */
  onChange: () => void = () => {};
  path = '/';
  readonly #options: TargetOptions;
  #url: string | undefined;
  #caller: Caller | undefined;
  #refusals = 0;
  #isDown = false;
  #probe: Cancel | undefined;
  readonly #closing = new Set<Promise<void>>();

  constructor(options: TargetOptions) {
    this.#options = options;
  }

  /** Changes with every other URL. */
  get address(): string | undefined {
    return this.#url;
  }

  get known(): boolean {
    return this.#caller !== undefined;
  }

  get reachable(): boolean {
    return this.#caller !== undefined && !this.#isDown;
  }

  /** Another URL, or none. Calls under way to the old one end there. */
  update(url: string | undefined): void {
    if (url === this.#url) return;
    this.#url = url;
    this.#retire();
    if (url !== undefined) {
      const { origin, pathname, search } = new URL(url);
      this.path = pathname + search;
      this.#caller = this.#options.createCaller(origin, this.#options.connections);
    }
    this.#up();
  }

  send(request: OutgoingRequest, listener: CallListener): Call {
    if (this.#caller === undefined) throw new Error('a call was made to a function without a known endpoint');
    return this.#caller.send(request, listener);
  }

  answered(): void {
    this.#refusals = 0;
  }

  /** A connection could not be made to that address; it may have changed since. */
  refused(address: string | undefined): void {
    if (this.#isDown || this.#caller === undefined || address !== this.#url) return;
    this.#isDown = true;
    this.#scheduleProbe(this.#caller);
  }

  async close(): Promise<void> {
    this.#url = undefined;
    this.#retire();
    await Promise.all(this.#closing);
  }

  #scheduleProbe(caller: Caller): void {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#refusals++);
    this.#probe = this.#options.clock.after(pause * (0.5 + this.#options.random() / 2), async () => {
      const connected = await caller.probe();
      if (caller !== this.#caller) return;
      if (connected) this.#up();
      else this.#scheduleProbe(caller);
    });
  }

  #up(): void {
    this.#isDown = false;
    this.onChange();
  }

  #retire(): void {
    this.#probe?.();
    this.#probe = undefined;
    this.#isDown = false;
    const caller = this.#caller;
    this.#caller = undefined;
    if (caller === undefined) return;
    const closing = caller.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
