import type { Answer, Call, CallerFactory, CallListener, OutgoingRequest } from '../../src/delivery/call/call.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { UnknownReason } from '../../src/domain/outcome.ts';

/** One call that a lane made, moved on by the test. It holds the law of `CallListener`, and throws where a test breaks it. */
export class ScriptedCall implements Call {
  readonly eventId: string;
  readonly request: OutgoingRequest;
  state: 'connecting' | 'inFlight' | 'ended' = 'connecting';
  readonly #listener: CallListener;
  readonly #function: ScriptedFunction;

  constructor(request: OutgoingRequest, listener: CallListener, of: ScriptedFunction) {
    this.request = request;
    this.eventId = request.headers[request.headers.indexOf('event-id') + 1] ?? '';
    this.#listener = listener;
    this.#function = of;
  }

  firstByte(): void {
    if (this.state !== 'connecting') throw new Error(`a first byte while ${this.state}`);
    this.state = 'inFlight';
    this.#function.firstBytes.push(this.eventId);
    this.#listener.firstByte(this.#function.clock.monotonic());
  }

  /** Answers; after the first byte, unless it says that there was none. */
  answer(answer: Answer): void {
    if (this.state === 'ended') throw new Error('a second answer');
    if (this.state === 'connecting' && (answer.type === 'answered' || answer.type === 'unknown')) this.firstByte();
    this.state = 'ended';
    this.#function.open.delete(this);
    this.#listener.answer(answer, this.#function.clock.monotonic());
  }

  abort(reason: UnknownReason): void {
    if (this.state === 'ended') return;
    this.#function.aborts.push(reason);
    this.answer(
      this.state === 'inFlight' ? { type: 'unknown', reason } : { type: 'notSent', cause: new Error('given up') },
    );
  }
}

/** A function in memory: what is called stays open until the script answers it. */
export class ScriptedFunction {
  /** What is done with a call in the same turn in which it is made. */
  onCall: (call: ScriptedCall) => void = () => {};
  /** Whether a bare connection succeeds. */
  isListening = true;
  readonly calls: ScriptedCall[] = [];
  /** Not yet answered, oldest first. */
  readonly open = new Set<ScriptedCall>();
  /** Event ids, in the order in which their first bytes left. */
  readonly firstBytes: string[] = [];
  readonly aborts: UnknownReason[] = [];
  readonly clock: Clock;
  /** See `Caller`. */
  prefersBursts = true;
  probes = 0;
  closed = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  readonly createCaller: CallerFactory = () => ({
    prefersBursts: this.prefersBursts,
    send: (request, listener) => {
      const call = new ScriptedCall(request, listener, this);
      this.calls.push(call);
      this.open.add(call);
      this.onCall(call);
      return call;
    },
    probe: async () => {
      this.probes++;
      return this.isListening;
    },
    close: async () => {
      this.closed++;
    },
  });

  /** Takes each call at once and answers it after that time. */
  takes(ms: number, status = 200): void {
    this.onCall = (call) => {
      call.firstByte();
      this.clock.after(ms, () => {
        if (call.state === 'inFlight') call.answer({ type: 'answered', status });
      });
    };
  }

  /** Refuses each call, as a port on which nobody listens. */
  refuses(): void {
    this.isListening = false;
    this.onCall = (call) => call.answer({ type: 'notSent', cause: new Error('connect ECONNREFUSED') });
  }

  /** The calls made for these events and not yet answered are answered. */
  answer(status: number, ...eventIds: string[]): void {
    for (const call of [...this.open])
      if (eventIds.length === 0 || eventIds.includes(call.eventId)) call.answer({ type: 'answered', status });
  }
}
