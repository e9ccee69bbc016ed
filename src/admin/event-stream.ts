import { Readable } from 'node:stream';
import type { Cancel, Clock } from '../domain/clock.ts';
import type { Feed, FeedQuery } from '../telemetry/feed.ts';
import type { FeedPage } from '../telemetry/page.ts';

/** Copies read at a time, and milliseconds between two readings: at most 4,000 a second cost us work for one reader. */
const PAGE_COPIES = 200;
const PAGE_PAUSE_MS = 50;

const HEARTBEAT_MS = 15_000;

/**
 * The feed as server-sent events. It holds no queue, only a cursor into the ring of the feed, and reads on when three
 * things are true: its reader wants more (the socket has taken what came before), the pause since the last page is
 * over, and there are rows. So a reader that is slower than the events never holds up delivery; rows that were
 * overwritten before it came are told as `event: skipped` with their number.
 *
 * Each row carries `id:`, its cursor: a browser that reconnects sends it as Last-Event-ID and goes on there.
 */
export class EventStream extends Readable {
  readonly #feed: Pick<Feed, 'read'>;
  readonly #clock: Clock;
  readonly #query: FeedQuery;
  readonly #unsubscribe: Cancel;
  /** Undefined until the first page, when that starts somewhere in the past. */
  #cursor: string | undefined;
  #wanted = false;
  #finished = false;
  #pause: Cancel | undefined;
  #heartbeat: Cancel;

  /** Starts after `query.after`, or at `query.since`, or with the newest `query.limit` rows; else with what comes from now on. */
  constructor(options: { feed: Pick<Feed, 'read' | 'cursor' | 'subscribe'>; clock: Clock; query: FeedQuery }) {
    super({ encoding: 'utf8' });
    const { feed, clock, query } = options;
    this.#feed = feed;
    this.#clock = clock;
    this.#query = query;
    this.#cursor = startCursor(feed, query);
    this.#unsubscribe = feed.subscribe(() => this.#advance());
    this.#heartbeat = this.#beat();
    // Headers leave with the first bytes, and a reader should see at once that it is connected, and where: one that loses us
    // before the first row has come comes back to this place.
    this.push(`${this.#cursor === undefined ? '' : `id: ${this.#cursor}\n`}: connected\n\n`);
  }

  /** Ends the stream; what the reader has not taken yet is still sent. */
  finish(): void {
    if (this.#finished) return;
    this.#release();
    this.push(null);
  }

  override _read(): void {
    this.#wanted = true;
    this.#advance();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#release();
    callback(error);
  }

  #advance(): void {
    if (this.#finished || !this.#wanted || this.#pause !== undefined) return;
    const limit = this.#cursor === undefined ? (this.#query.limit ?? PAGE_COPIES) : PAGE_COPIES;
    const page = this.#feed.read({ ...this.#query, after: this.#cursor, limit });
    this.#cursor = page.next;
    const text = frames(page);
    if (text === '') return;
    this.#wanted = false;
    this.#pause = this.#clock.after(PAGE_PAUSE_MS, () => {
      this.#pause = undefined;
      this.#advance();
    });
    this.push(text);
  }

  /** A comment now and then keeps proxies from cutting an idle stream, and finds readers that are gone. */
  #beat(): Cancel {
    return this.#clock.after(HEARTBEAT_MS, () => {
      this.#heartbeat = this.#beat();
      if (this.readableLength === 0) this.push(': heartbeat\n\n');
    });
  }

  #release(): void {
    this.#finished = true;
    this.#unsubscribe();
    this.#heartbeat();
    this.#pause?.();
  }
}

function startCursor(feed: Pick<Feed, 'cursor' | 'read'>, query: FeedQuery): string | undefined {
  if (query.after !== undefined) return checkedCursor(feed, query.after);
  return query.since === undefined && query.limit === undefined ? feed.cursor() : undefined;
}

/** Reading refuses what is no cursor; better before the first byte of the answer has left. */
function checkedCursor(feed: Pick<Feed, 'read'>, cursor: string): string {
  feed.read({ after: cursor, limit: 0 });
  return cursor;
}

function frames(page: FeedPage): string {
  const skipped = page.skipped > 0 ? `event: skipped\ndata: ${JSON.stringify({ rows: page.skipped })}\n\n` : '';
  const rows = page.events.map((row) => `id: ${row.cursor}\ndata: ${JSON.stringify(row)}\n\n`);
  return skipped + rows.join('');
}
