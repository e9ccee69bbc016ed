import {
  asError,
  byDeadline,
  type Deadline,
  delay,
  type Progress,
  type Room,
  roomUnlessStopped,
  type Source,
  type SourceContext,
  TrigateError,
} from '../../../src/sdk.ts';
import type { Link } from '../connection.ts';
import type { JetStreamProgress } from './progress.ts';
import type { Pulled } from './pull.ts';
import type { Reading } from './reading.ts';
import { taken } from './settlement.ts';

/** Events of one pull. */
const BATCH = 256;
/** An idle source asks for one event and waits this long; closing waits for the end of it. */
const IDLE_MS = 1_000;
/** What is there is sent at once; other members may have taken it meanwhile. */
const BUSY_MS = 50;
/** One may be bad luck. */
const SHOWN_SILENCES = 2;
const SHOWN_REFUSALS = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** What the source asks of its reading. */
export type Reads = Pick<
  Reading,
  | 'allSettled'
  | 'close'
  | 'description'
  | 'disconnected'
  | 'headroom'
  | 'leave'
  | 'onTaken'
  | 'pull'
  | 'resolveGaps'
  | 'resync'
  | 'waiting'
>;

/**
 * Reads a consumer until it is closed or has failed. One loop: wait for room, pull as many events as there is room for,
 * pass them on.
 *
 *   idle      there was nothing more: asks for one event, and waits for it at the server.
 *   busy      each delivery says how many more are waiting: asks for as many of them as there is room for, until there is
 *             nothing more: then idle.
 *   cut       the connection is lost: nothing is pulled. When it is back, what was delivered to nobody meanwhile is
 *             counted, then on as idle.
 *   silent    a pull was not answered: asks where the consumer stands, then on as idle. A source that has work and is
 *             answered nothing again and again is opened anew by the watchdog.
 *   stopped   by `close`, by the gate, or because the consumer is gone, or is another's.
 *
 * A pull that is out is never given up while it can be answered: what is delivered is claimed.
 */
export class JetStreamSource implements Source {
  readonly #reading: Reads;
  readonly #progress: JetStreamProgress;
  readonly #context: SourceContext;
  readonly #unfollow: () => void;
  #running: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();
  #cut: PromiseWithResolvers<void> | undefined;
  #isShownBroken = false;
  #closed: Promise<void> | undefined;

  constructor(link: Link, reading: Reads, progress: JetStreamProgress, context: SourceContext) {
    this.#reading = reading;
    this.#progress = progress;
    this.#context = context;
    reading.onTaken = () => this.#fail(taken());
    progress.onGone = (error) => this.#fail(error);
    this.#unfollow = link.follow({
      disconnected: (message) => {
        this.#cut ??= Promise.withResolvers<void>();
        reading.disconnected();
        this.#broken('Disconnected', message);
      },
      reconnected: () => this.#cut?.resolve(),
      closed: (error) => this.#fail(error),
    });
  }

  start(isPaused: boolean): void {
    this.#context.report({ type: 'connected', message: this.#reading.description });
    this.#progress.start();
    if (!isPaused) this.#running = this.#run().catch((error) => this.#fail(asError(error)));
  }

  progress(): Progress {
    return this.#progress.progress();
  }

  close(deadline: Deadline): Promise<void> {
    this.#closed ??= this.#close(deadline);
    return this.#closed;
  }

  async #close(deadline: Deadline): Promise<void> {
    this.#stop();
    const settled = this.#running.then(() => this.#reading.allSettled());
    await byDeadline(this.#context.clock, deadline, settled);
    this.#unfollow();
    await this.#reading.close();
  }

  #stop(): void {
    this.#stopping.abort();
    this.#progress.stop();
    this.#reading.leave();
    this.#cut?.resolve();
  }

  #fail(error: Error): void {
    this.#stop();
    this.#context.fail(error);
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    let hadNone = true;
    let silences = 0;
    let refusals = 0;
    while (!this.#isStopping) {
      if (this.#cut !== undefined) await this.#progress.held(this.#afterCut(this.#cut));
      const headroom = await this.#progress.held(this.#reading.headroom());
      // What came late meanwhile may have been all that was waiting.
      const isIdle = hadNone || this.#reading.waiting === 0;
      const wanted = isIdle ? 1 : Math.min(BATCH, headroom, this.#reading.waiting);
      const room = await this.#progress.held(roomUnlessStopped(this.#context.gate, this.#stopping.signal, wanted));
      // Stopped, or the gate is closed.
      if (room === undefined || room.size === 0) return;
      const pulled = await this.#pull(room, isIdle);
      await this.#reading.resolveGaps();
      const { end, messages } = pulled;
      hadNone = messages.length === 0;
      silences = end.type === 'silent' ? silences + 1 : 0;
      refusals = end.type === 'refused' && messages.length === 0 ? refusals + 1 : 0;
      if (end.type === 'silent') await this.#silent(silences);
      else if (end.type === 'refused' && refusals > 0) await this.#refused(end.why, refusals);
      else if (end.type === 'done') this.#whole();
    }
  }

  async #pull(room: Room, isIdle: boolean): Promise<Pulled> {
    if (this.#isStopping || this.#cut !== undefined) {
      room.release();
      return { messages: [], end: { type: 'lost' } };
    }
    try {
      const pulled = await this.#reading.pull(isIdle ? 1 : room.size, isIdle ? IDLE_MS : BUSY_MS, room);
      if (pulled.messages.length > 0) this.#progress.delivered(this.#reading.waiting);
      return pulled;
    } finally {
      room.release();
    }
  }

  async #afterCut(cut: PromiseWithResolvers<void>): Promise<void> {
    await cut.promise;
    if (this.#isStopping) return;
    this.#cut = undefined;
    await this.#resync();
    this.#whole();
  }

  /** A change of leaders passes, and what it sent before is still to come; only after some time is it worth asking. */
  async #refused(why: string, refusals: number): Promise<void> {
    await this.#pause(refusals);
    if (refusals < SHOWN_REFUSALS) return;
    this.#broken('ConsumerUnavailable', `${this.#reading.description}: ${why}`);
    await this.#resync();
  }

  /** One that may have no more pending is silent, too. */
  async #silent(silences: number): Promise<void> {
    await this.#resync();
    if (silences >= SHOWN_SILENCES && !this.#progress.progress().held)
      this.#broken('ConsumerUnavailable', `${this.#reading.description}: ${silences} pulls in a row were not answered`);
  }

  /** Asks where the consumer stands, as often as it takes, and counts what it delivered to nobody. */
  async #resync(): Promise<void> {
    for (let tries = 1; !this.#isStopping && this.#cut === undefined; tries++) {
      try {
        this.#progress.told(await this.#reading.resync());
        return;
      } catch (thrown) {
        if (thrown instanceof TrigateError) throw thrown;
        const { message } = asError(thrown);
        this.#context.log.debug({ error: message }, 'the consumer does not answer');
        if (tries >= SHOWN_REFUSALS) this.#broken('ConsumerUnavailable', `${this.#reading.description}: ${message}`);
        await this.#pause(tries);
      }
    }
  }

  #pause(tries: number): Promise<void> {
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
    return delay(this.#context.clock, ms, this.#context.signal);
  }

  #broken(reason: string, message: string): void {
    this.#isShownBroken = true;
    this.#context.report({ type: 'disconnected', reason, message });
  }

  #whole(): void {
    if (!this.#isShownBroken || this.#cut !== undefined) return;
    this.#isShownBroken = false;
    this.#context.report({ type: 'connected', message: this.#reading.description });
  }
}
