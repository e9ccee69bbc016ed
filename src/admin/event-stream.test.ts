import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type AdminServer, adminServer } from '../../test/support/admin.ts';
import { eventually } from '../../test/support/eventually.ts';
import { eventId } from '../domain/event.ts';

const orders = { kind: 'kafka', namespace: 'default', name: 'orders' };

function record({ feed }: AdminServer, from: number, to: number, functionName = 'invoice'): void {
  for (let n = from; n < to; n++) {
    const event = {
      id: eventId('test', String(n)),
      time: 0,
      coordinates: { type: 'log', topic: 'orders', offset: n },
    } as const;
    feed.record(orders, event, functionName, { type: 'delivered', status: 200, ms: 1 });
  }
}

async function listening(options: Parameters<typeof adminServer>[0] = {}): Promise<AdminServer & { port: number }> {
  const server = await adminServer(options);
  const { port } = new URL(await server.app.listen({ host: '127.0.0.1', port: 0 }));
  return { ...server, port: Number(port), [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

/** A live feed over a plain socket, so that a test decides when it is read. */
class Reader implements Disposable {
  readonly #socket: Socket;
  text = '';
  ended = false;

  constructor(port: number, path: string, headers: string[]) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (chunk) => {
      this.text += chunk;
    });
    this.#socket.on('close', () => {
      this.ended = true;
    });
    this.#socket.on('error', () => {});
    const lines = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Accept: text/event-stream', ...headers];
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Opens a feed and waits until the server says that it is there. */
  static async open(port: number, path = '/v1/events', headers: string[] = []): Promise<Reader> {
    const reader = new Reader(port, path, headers);
    await eventually('the stream is connected', () => reader.text.includes(': connected'));
    return reader;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  offsets(): number[] {
    return [...this.text.matchAll(/"offset":(\d+)/g)].map(([, offset]) => Number(offset));
  }

  skipped(): number {
    return [...this.text.matchAll(/event: skipped\r?\ndata: {"rows":(\d+)}/g)].reduce(
      (sum, [, rows]) => sum + Number(rows),
      0,
    );
  }

  lastId(): string {
    return [...this.text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    if (!this.ended) await once(this.#socket, 'close');
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Moves the clock until the condition holds: pauses and wake-ups of the stream are on it. */
const moving = (server: AdminServer, what: string, condition: () => boolean) =>
  eventually(what, () => {
    server.clock.advance(50);
    return condition();
  });

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('the live feed', () => {
  it('sends rows as they come, each with its id', async () => {
    await using server = await listening();
    record(server, 0, 3);
    await using reader = await Reader.open(server.port);
    record(server, 3, 5);
    await moving(server, 'two rows', () => reader.offsets().length === 2);
    record(server, 5, 6);
    await moving(server, 'one more', () => reader.offsets().length === 3);
    expect(reader.offsets()).toEqual([3, 4, 5]);
    expect(reader.text).toMatch(/^content-type: text\/event-stream\r$/m);
    // The first tells the place at which the stream begins.
    expect(reader.text.match(/^id: /gm)).toHaveLength(4);
    expect(reader.lastId()).toBe(server.feed.cursor());
  });

  it('goes on after Last-Event-ID, page after page', async () => {
    await using server = await listening({ feedRows: 5_000 });
    record(server, 0, 1);
    await using first = await Reader.open(server.port, '/v1/events?limit=1');
    await moving(server, 'the newest row', () => first.offsets().length === 1);
    record(server, 1, 1_501);
    await using second = await Reader.open(server.port, '/v1/events', [`Last-Event-ID: ${first.lastId()}`]);
    await moving(server, 'all rows since', () => second.offsets().length === 1_500);
    expect(second.offsets()).toEqual(range(1, 1_501));
    expect(second.skipped()).toBe(0);
  });

  it('begins in the past when it is asked to, and filters', async () => {
    await using server = await listening();
    record(server, 0, 2);
    record(server, 2, 4, 'mail');
    await using reader = await Reader.open(server.port, '/v1/events?since=1h&function=mail');
    await moving(server, 'two rows', () => reader.offsets().length === 2);
    record(server, 4, 6);
    record(server, 6, 7, 'mail');
    await moving(server, 'the next', () => reader.offsets().length === 3);
    expect(reader.offsets()).toEqual([2, 3, 6]);
  });

  it('keeps an idle connection alive with comments', async () => {
    await using server = await listening();
    await using reader = await Reader.open(server.port);
    expect(reader.text).not.toContain(': heartbeat');
    server.clock.advance(45_000);
    await eventually('three heartbeats', () => reader.text.match(/: heartbeat\n\n/g)?.length === 3);
  });

  it('never waits for a reader that does not read: it is told what it missed', async () => {
    await using server = await listening({ feedRows: 2_000 });
    await using reader = await Reader.open(server.port);
    reader.pause();
    const total = 200_000;
    for (let n = 0; n < total; n += 1_000) {
      record(server, n, n + 1_000);
      server.clock.advance(50);
      await new Promise(setImmediate);
    }
    reader.resume();
    await moving(server, 'the last row', () => reader.offsets().at(-1) === total - 1);
    const offsets = reader.offsets();
    expect(reader.skipped()).toBeGreaterThan(0);
    expect(offsets.length + reader.skipped()).toBe(total);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  });

  it('lets go of a reader that has gone', async () => {
    await using server = await listening();
    const reader = await Reader.open(server.port);
    expect(server.clock.pending).toBe(1);
    await reader[Symbol.asyncDispose]();
    await eventually('no timer is left', () => server.clock.pending === 0);
  });

  it('ends when the server closes', async () => {
    await using server = await listening();
    await using reader = await Reader.open(server.port);
    await server.app.close();
    await eventually('the connection is closed', () => reader.ended);
    expect(reader.text.endsWith('0\r\n\r\n')).toBe(true);
    expect(server.clock.pending).toBe(0);
  });

  it('does not hold up closing when a reader has stopped reading', async () => {
    await using server = await listening({ feedRows: 20_000 });
    await using reader = await Reader.open(server.port);
    reader.pause();
    for (let n = 0; n < 100_000; n += 1_000) {
      record(server, n, n + 1_000);
      server.clock.advance(50);
      await new Promise(setImmediate);
    }
    const closed = server.app.close();
    await eventually('closing has begun', () => !server.app.server.listening);
    server.clock.advance(1_000);
    await closed;
  });

  it('is open to so many readers at a time and no more', async () => {
    await using server = await listening();
    const readers = await Promise.all(range(0, 64).map(() => Reader.open(server.port)));
    const headers = { accept: 'text/event-stream' };
    const answer = await server.app.inject({ url: '/v1/events', headers });
    expect(answer.json()).toMatchObject({ status: 409, detail: expect.stringContaining('64 live feeds are open') });
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
    await using again = await eventually('there is room again', () => Reader.open(server.port));
    expect(again.ended).toBe(false);
  });
});
