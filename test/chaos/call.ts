import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Answer, Caller, CallerFactory } from '../../src/delivery/call/call.ts';
import { eventually } from '../support/eventually.ts';
import { type RandomInt, seededRandom } from '../support/random.ts';

/*
 * Calls to a server that resets, stalls, closes and half-answers at any byte. Of each call it must be true: the server got
 * it at most once, and whole, with nothing of another one; an answer that was told was given for this very call; what was not
 * sent never began to arrive.
 */

const IN_FLIGHT = 32;
/** When a call is given up, ms. */
const GIVE_UP_MS = 100;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const ANSWERS = [
  OK,
  'HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nkeep-alive: timeout=1\r\n\r\n',
  'HTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 1\r\n\r\nx',
  'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok',
  `HTTP/1.1 500 Oops\r\nx: ${'y'.repeat(300)}\r\ncontent-length: 300\r\n\r\n${'z'.repeat(300)}`,
];

export interface CallChaosReport {
  readonly calls: number;
  readonly outcomes: Readonly<Record<Answer['type'], number>>;
  /** Calls that the server got more than once. */
  readonly twice: number;
  /** Requests whose head and body are not those of one call. */
  readonly mixed: number;
  /** Calls whose outcome is not what happened. */
  readonly untrue: number;
  /** Sockets of the server that are open after the caller has closed. */
  readonly leftOpen: number;
}

export async function chaosOfCalls(createCaller: CallerFactory, calls: number, seed: number): Promise<CallChaosReport> {
  const server = new HostileServer(seededRandom(seed));
  const caller = createCaller(await server.start(), IN_FLIGHT);
  const answers: Answer[] = new Array(calls);
  const outcomes = { answered: 0, notSent: 0, invalid: 0, unknown: 0 };
  let next = 0;
  const work = async () => {
    while (next < calls) {
      const id = next++;
      const answer = await callOnce(caller, id);
      answers[id] = answer;
      outcomes[answer.type]++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  await caller.close();
  const leftOpen = await server.stop();
  let untrue = 0;
  for (const [id, answer] of answers.entries()) if (!server.confirms(id, answer)) untrue++;
  return { calls, outcomes, twice: server.twice, mixed: server.mixed, untrue, leftOpen };
}

/** One list for all, as a lane has it. */
const COMMON = ['user-agent', 'test'];

const bodyOf = (id: number): string => `${id} ${'x'.repeat(id % 400)}`;

function callOnce(caller: Caller, id: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answers = 0;
    const body = new TextEncoder().encode(bodyOf(id));
    const call = caller.send(
      { method: 'POST', path: '/', common: COMMON, headers: ['event-id', `${id}`], body },
      {
        firstByte() {},
        answer(answer) {
          clearTimeout(timer);
          if (answers++ > 0) reject(new Error(`call ${id} was answered twice`));
          else resolve(answer);
        },
      },
    );
    const timer = setTimeout(() => call.abort('timeout'), GIVE_UP_MS);
    if (answers > 0) clearTimeout(timer);
  });
}

/** What the server has seen of one call: its head, all of it, and the statuses that were told whole. */
const HEAD = 1;
const WHOLE = 2;

class HostileServer {
  twice = 0;
  mixed = 0;
  readonly #random: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #seen: number[] = [];
  readonly #statuses = new Map<number, number>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket));

  constructor(random: RandomInt) {
    this.#random = () => random(0, 999_999) / 1_000_000;
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @returns how many connections were still open once what was under way has ended */
  async stop(): Promise<number> {
    await eventually('the connections are closed', () => this.#sockets.size === 0, { within: 3_000 }).catch(() => {});
    const left = this.#sockets.size;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    return left;
  }

  confirms(id: number, answer: Answer): boolean {
    const seen = this.#seen[id] ?? 0;
    switch (answer.type) {
      case 'answered':
        return seen === WHOLE && this.#statuses.get(id) === answer.status;
      case 'notSent':
        return seen === 0;
      case 'unknown':
        return true;
      case 'invalid':
        return false;
      default:
        return answer satisfies never;
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    // One connection in ten breaks after some bytes of what it gets, wherever that is.
    let patience = this.#random() < 0.1 ? Math.floor(this.#random() * 2_000) : Number.POSITIVE_INFINITY;
    let text = '';
    socket.on('data', (chunk) => {
      patience -= chunk.length;
      text += chunk.toString('latin1');
      text = this.#take(socket, text);
      if (patience <= 0) this.#break(socket);
    });
  }

  #take(socket: Socket, text: string): string {
    const end = text.indexOf('\r\n\r\n');
    const id = Number(/event-id: (\d+)\r\n/.exec(text.slice(0, end + 2))?.[1] ?? -1);
    if (end < 0 || id < 0) return text;
    const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0);
    if (text.length < end + 4 + length) {
      this.#seen[id] ??= HEAD;
      return text;
    }
    if (this.#seen[id] === WHOLE) this.twice++;
    if (text.slice(end + 4, end + 4 + length) !== bodyOf(id)) this.mixed++;
    this.#seen[id] = WHOLE;
    this.#answer(socket, id);
    return text.slice(end + 4 + length);
  }

  #answer(socket: Socket, id: number): void {
    const answer = ANSWERS[Math.floor(this.#random() * this.#random() * ANSWERS.length)] ?? OK;
    this.#statuses.set(id, Number(/HTTP\/1\.[01] ([2-5]\d\d)/.exec(answer)?.[1]));
    const fate = this.#random();
    const half = answer.slice(0, Math.floor(this.#random() * answer.length));
    if (fate < 0.85) socket.write(answer);
    else if (fate < 0.88) socket.end(answer);
    else if (fate < 0.9) socket.write(answer, () => this.#break(socket));
    else if (fate < 0.93) socket.write(half, () => this.#break(socket));
    else if (fate < 0.95) socket.write(`${answer}HTTP/1.1 299 Forged\r\ncontent-length: 0\r\n\r\n`);
    else if (fate < 0.97) setImmediate(() => this.#break(socket));
    else if (fate < 0.985) this.#drip(socket, answer);
    else if (fate < 0.99) socket.write(half);
    else this.#break(socket);
  }

  #drip(socket: Socket, text: string): void {
    if (text === '' || socket.destroyed) return;
    socket.write(text.slice(0, 7), () => setImmediate(() => this.#drip(socket, text.slice(7))));
  }

  #break(socket: Socket): void {
    // libuv resets no connection that is being shut down, and Node.js then never closes it.
    if (this.#random() < 0.5 && !socket.writableEnded) socket.resetAndDestroy();
    else socket.destroy();
  }
}

/** Runs it with both callers, and prints what came of it. */
export async function callChaos(
  callers: Readonly<Record<string, CallerFactory>>,
  calls: number,
  seed: number,
): Promise<boolean> {
  let isFine = true;
  for (const [name, createCaller] of Object.entries(callers)) {
    const { outcomes, twice, mixed, untrue, leftOpen } = await chaosOfCalls(createCaller, calls, seed);
    const { answered, unknown, notSent } = outcomes;
    console.log(
      `${name.padEnd(8)} seed ${seed}: ${calls} calls, ${answered} answered, ${unknown} unknown, ${notSent} not sent; ` +
        `${twice} received twice, ${mixed} mixed up, ${untrue} outcomes untrue, ${leftOpen} connections left open`,
    );
    if (twice + mixed + untrue + leftOpen + outcomes.invalid > 0) isFine = false;
  }
  return isFine;
}

const ROUND_CALLS = 20_000;

/**
 * Runs it with each caller for a time, and prints after each minute what is left when a round has ended: sockets and other
 * handles, and what the heap has in it. False where any of the handles stay, or the heap grows from the first half to the second.
 */
export async function callLeaks(
  callers: Readonly<Record<string, CallerFactory>>,
  minutes: number,
  seed: number,
): Promise<boolean> {
  let isFine = true;
  for (const [name, createCaller] of Object.entries(callers)) {
    const left: Left[] = [];
    let calls = 0;
    let wrong = 0;
    for (let minute = 1; minute <= minutes; minute++) {
      const until = performance.now() + 60_000;
      while (performance.now() < until) {
        const { twice, mixed, untrue } = await chaosOfCalls(createCaller, ROUND_CALLS, seed + calls);
        calls += ROUND_CALLS;
        wrong += twice + mixed + untrue;
      }
      const now = await whatIsLeft();
      left.push(now);
      console.log(
        `${name.padEnd(8)} minute ${minute}: ${calls} calls, ${now.sockets} sockets, ${now.handles} handles, ${now.heap.toFixed(1)} MiB of heap; ${wrong} calls received twice, mixed up, or with an outcome that is untrue`,
      );
    }
    if (wrong > 0) isFine = false;
    if (left.some(({ sockets, handles }) => sockets > 0 || handles > (left[0]?.handles ?? 0))) isFine = false;
    if (growth(left.map(({ heap }) => heap)) > MOST_GROWTH_MIB) isFine = false;
  }
  return isFine;
}

const MOST_GROWTH_MIB = 5;

interface Left {
  readonly sockets: number;
  readonly handles: number;
  /** MiB. */
  readonly heap: number;
}

async function whatIsLeft(): Promise<Left> {
  // The server's own handle goes in the turn behind its `close`.
  await turn();
  await turn();
  globalThis.gc?.();
  const handles = process.getActiveResourcesInfo();
  const sockets = handles.filter((type) => type === 'TCPSocketWrap').length;
  return { sockets, handles: handles.length, heap: process.memoryUsage().heapUsed / 1_048_576 };
}

/** From the least of the first half to the least of the second. */
function growth(all: readonly number[]): number {
  const half = Math.floor(all.length / 2);
  return Math.min(...all.slice(half)) - Math.min(...all.slice(0, half));
}
