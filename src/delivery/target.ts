import type { Cancel, Clock } from '../domain/clock.ts';
import type { Call, Caller, CallerFactory, CallListener, OutgoingRequest } from './call/call.ts';
import { Spread } from './call/spread.ts';

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
  /** The caller, where the function lives in pods. */
  #spread: Spread | undefined;
  #refusals = 0;
  #isDown = false;
  #probe: Cancel | undefined;
  /** A probe that ends in another episode than it began in says nothing any more. */
  #episode = 0;
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

  /**
   * Another URL, or none, and maybe other pods. Calls under way to the old ones end there.
   * @param pods the origins to call in place of the URL's own; undefined: that one
   */
  update(url: string | undefined, pods?: readonly string[]): void {
    if (url !== this.#url || (pods === undefined) !== (this.#spread === undefined)) this.#move(url, pods);
    else if (pods === undefined || !this.#spread?.update(pods)) return;
    this.#up();
  }

  get prefersBursts(): boolean {
    return this.#caller?.prefersBursts ?? false;
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
    if (this.#isDown || this.#caller === undefined || address !== this.#url || this.#spread?.isUsable) return;
    this.#isDown = true;
    this.#scheduleProbe(this.#caller);
  }

  async close(): Promise<void> {
    this.#url = undefined;
    this.#retire();
    await Promise.all(this.#closing);
  }

  #move(url: string | undefined, pods: readonly string[] | undefined): void {
    this.#url = url;
    this.#retire();
    if (url === undefined) return;
    const { connections, createCaller, clock } = this.#options;
    const { origin, pathname, search } = new URL(url);
    this.path = pathname + search;
    if (pods === undefined) this.#caller = createCaller(origin, connections);
    else this.#caller = this.#spread = new Spread({ connections, createCaller, clock });
    this.#spread?.update(pods ?? []);
  }

  #scheduleProbe(caller: Caller): void {
    const episode = this.#episode;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#refusals++);
    this.#probe = this.#options.clock.after(pause * (0.5 + this.#options.random() / 2), async () => {
      const connected = await caller.probe();
      if (episode !== this.#episode) return;
      if (connected) this.#up();
      else this.#scheduleProbe(caller);
    });
  }

  #up(): void {
    this.#endProbing();
    this.onChange();
  }

  #endProbing(): void {
    this.#episode++;
    this.#probe?.();
    this.#probe = undefined;
    this.#isDown = false;
  }

  #retire(): void {
    this.#endProbing();
    const caller = this.#caller;
    this.#caller = undefined;
    this.#spread = undefined;
    if (caller === undefined) return;
    const closing = caller.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
