import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a test has the gateway answer: a status with a body, or a stream that ends or stays open. */
export type Answer =
  | { readonly status: number; readonly body: unknown }
  | { readonly bytes: Uint8Array }
  | { readonly stream: string; readonly open?: boolean };

export interface Received {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/**
 * A gateway of prepared answers by request line (`GET /v1/topics`); the query is not part of it. A line that nobody
 * prepared is 404, one with a function asks that each time. Keeps what it was asked.
 */
export async function fakeGateway(answers: Readonly<Record<string, Answer | (() => Answer)>>, host = '127.0.0.1') {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    received.push({
      line: `${request.method} ${request.url}`,
      headers: request.headers,
      body: await text(request),
    });
    const path = request.url?.split('?')[0];
    const answer = answers[`${request.method} ${path}`] ?? notFound;
    send(response, typeof answer === 'function' ? answer() : answer);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://${host}:${port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const notFound: Answer = {
  status: 404,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404, message: 'not found' },
};

export const ok = (body: unknown): Answer => ({ status: 200, body });

/** A list of the resource API. */
export const list = (...items: unknown[]): Answer => ok({ metadata: { resourceVersion: '7' }, items });

export const refused = (code: number, reason: string, message: string): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message },
});

function send(response: ServerResponse, answer: Answer): void {
  if ('stream' in answer) {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(answer.stream);
    if (answer.open !== true) response.end();
    return;
  }
  if ('bytes' in answer) {
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer.bytes);
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
}
