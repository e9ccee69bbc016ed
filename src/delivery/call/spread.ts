import type { Clock } from '../../domain/clock.ts';
import type { Call, Caller, CallerFactory, CallListener, OutgoingRequest } from './call.ts';

/** A pod that refused a connection gets no call for this long, unless all others have refused, too. */
const REFUSED_MS = 5_000;

interface Pod {
  readonly caller: Caller;
  inFlight: number;
  /** Monotonic: gets calls again from then on. */
  refusedUntil: number;
  /** Number of the last call that it got. */
  lastCall: number;
}

export interface SpreadOptions {
  readonly connections: number;
  readonly createCaller: CallerFactory;
  readonly clock: Clock;
}

/**
 * Calls one function that lives in several pods. Each call goes to the pod with the fewest in flight, of equal ones to
 * the one that has waited longest. A pod that has come gets calls at once; one that has gone gets no more, those under
 * way there end, and its connections are closed unless others use them.
 */
export class Spread implements Caller {
  readonly #options: SpreadOptions;
  readonly #pods = new Map<string, Pod>();
  readonly #closing = new Set<Promise<void>>();
  #calls = 0;

  constructor(options: SpreadOptions) {
    this.#options = options;
  }

  /**
   * @param origins of all pods that take calls now
   * @returns whether these are others than before
   */
  update(origins: readonly string[]): boolean {
    const { createCaller, connections } = this.#options;
    let changed = false;
    for (const [origin, pod] of this.#pods) {
      if (origins.includes(origin)) continue;
      this.#pods.delete(origin);
      this.#retire(pod);
      changed = true;
    }
    for (const origin of origins) {
      if (this.#pods.has(origin)) continue;
      this.#pods.set(origin, { caller: createCaller(origin, connections), inFlight: 0, refusedUntil: 0, lastCall: 0 });
      changed = true;
    }
    return changed;
  }

  /** Whether there is a pod that has not refused a connection. */
  get isUsable(): boolean {
    const now = this.#options.clock.monotonic();
    return [...this.#pods.values()].some((pod) => pod.refusedUntil <= now);
  }

  get prefersBursts(): boolean {
    for (const pod of this.#pods.values()) return pod.caller.prefersBursts;
    return false;
  }

  send(request: OutgoingRequest, listener: CallListener): Call {
    const pod = this.#choose();
    pod.inFlight++;
    return pod.caller.send(request, {
      firstByte: (now) => listener.firstByte(now),
      answer: (answer, now) => {
        pod.inFlight--;
        if (answer.type === 'notSent') pod.refusedUntil = now + REFUSED_MS;
        listener.answer(answer, now);
      },
    });
  }

  async probe(): Promise<boolean> {
    const probes = [...this.#pods.values()].map(async (pod) => {
      const connected = await pod.caller.probe();
      if (connected) pod.refusedUntil = 0;
      return connected;
    });
    return (await Promise.all(probes)).includes(true);
  }

  async close(): Promise<void> {
    for (const pod of this.#pods.values()) this.#retire(pod);
    this.#pods.clear();
    await Promise.all(this.#closing);
  }

  #choose(): Pod {
    const now = this.#options.clock.monotonic();
    let best: Pod | undefined;
    for (const pod of this.#pods.values()) if (best === undefined || isBetter(pod, best, now)) best = pod;
    if (best === undefined) throw new Error('a call was made to a function without pods');
    best.lastCall = ++this.#calls;
    return best;
  }

  #retire(pod: Pod): void {
    const closing = pod.caller.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

function isBetter(pod: Pod, than: Pod, now: number): boolean {
  const hasRefused = pod.refusedUntil > now;
  if (hasRefused !== than.refusedUntil > now) return !hasRefused;
  return pod.inFlight === than.inFlight ? pod.lastCall < than.lastCall : pod.inFlight < than.inFlight;
}
