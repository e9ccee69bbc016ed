import type { Answer, Call, Caller, CallerFactory } from '../../src/delivery/call/call.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { inTime } from './eventually.ts';
import { RawServer } from './raw-server.ts';

/** One call, and what came of it. */
export interface Seen {
  readonly call: Call;
  readonly answer: Promise<Answer>;
  readonly answers: Answer[];
  firstBytes: number;
}

/** What all calls have in common. */
const COMMON = ['user-agent', 'test'];

export function send(caller: Caller, body: string, headers: string[] = [], path = '/', keep = 0): Seen {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const seen = { answer: promise, answers: [] as Answer[], firstBytes: 0 };
  const call = caller.send(
    { method: 'POST', path, common: COMMON, headers, body: new TextEncoder().encode(body), keep },
    {
      firstByte(now) {
        if (seen.answers.length > 0) throw new Error('a first byte after the answer');
        expectFresh(now);
        seen.firstBytes++;
      },
      answer(answer, now) {
        expectFresh(now);
        seen.answers.push(answer);
        resolve(answer);
      },
    },
  );
  return Object.assign(seen, { call });
}

/** Whoever calls says when: at that very moment, as far as one turn of the event loop goes. */
function expectFresh(now: number): void {
  const age = systemClock.monotonic() - now;
  if (age < 0 || age > 500) throw new Error(`what just happened is said to have happened ${age} ms ago`);
}

/** A server, a caller for it, and what ends both. */
export interface Called extends AsyncDisposable {
  readonly server: RawServer;
  readonly caller: Caller;
  readonly url: string;
}

export async function serve(createCaller: CallerFactory, connections = 4): Promise<Called> {
  const server = new RawServer();
  const url = await server.start();
  const caller = createCaller(url, connections);
  return {
    server,
    caller,
    url,
    async [Symbol.asyncDispose]() {
      for (const socket of server.sockets) socket.destroy();
      await inTime('the caller closes', caller.close(), 8_000);
      await server.stop();
    },
  };
}
