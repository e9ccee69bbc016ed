/**
 * The process of one Node.js function: a bare HTTP server around `handler(event, context)`. Started by the runner with
 * its settings as one JSON argument; says its port on descriptor 3; ends when its standard input closes, so it never
 * outlives a gateway that was killed.
 */
import { closeSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pathToFileURL } from 'node:url';
import { type ProcessSettings, REPORT_FD } from './contract.ts';
import { createCallCounts } from './node-metrics.ts';
import { isLocalHost, readBody } from './node-request.ts';
import { watchEventLoop } from './node-watchdog.ts';

type Handler = (event: object, context: object) => unknown;

const DRAIN_AFTER_BLOCK_MS = 1_000;

const settings: ProcessSettings = JSON.parse(process.argv[2] ?? '{}');
const counts = createCallCounts(() => performance.now());
let inFlight = 0;
let exitCode: number | undefined;

process.on('SIGINT', () => {}); // Ctrl-C reaches the whole terminal; only the gateway decides when a function stops.
process.on('SIGTERM', () => drain(0));
process.stdin.on('close', endWithGateway).resume();

const handler = await loadHandler();
const server = createServer(serve);
// The gateway is the one to close idle connections: were we to do it, an event could be on its way at that moment.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
await listen(settings.port);
watchEventLoop(settings.timeoutMs, () => {
  console.error(`the handler blocked the event loop for longer than its timeout of ${settings.timeoutMs} ms`);
  setTimeout(() => process.exit(1), DRAIN_AFTER_BLOCK_MS);
  drain(1);
});

async function loadHandler(): Promise<Handler> {
  const module: Record<string, unknown> = await import(pathToFileURL(settings.file).href);
  // CommonJS: whatever Node.js could not name by itself is on the default export.
  const found = module[settings.handler] ?? Object(module.default)[settings.handler];
  if (typeof found === 'function') return found as Handler;
  console.error(`the code does not export a function named "${settings.handler}"`);
  process.exit(1);
}

function listen(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && port !== 0) resolve(listen(0));
      else reject(error);
    };
    server.once('error', onError);
    server.listen({ port, host: '127.0.0.1', backlog: 1024 }, () => {
      server.off('error', onError);
      const address = server.address();
      if (typeof address !== 'object' || address === null) return reject(new Error('the server has no port'));
      writeSync(REPORT_FD, `${JSON.stringify({ port: address.port })}\n`);
      closeSync(REPORT_FD);
      resolve();
    });
  });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  inFlight++;
  response.once('close', () => {
    inFlight--;
    leaveWhenIdle();
  });
  if (!isLocalHost(request.headers.host)) return answer(response, 403, 'Forbidden');
  if (request.url === '/healthz') return answer(response, 200, 'OK');
  if (request.url === '/metrics') return answer(response, 200, counts.text());
  const body = await readBody(request, settings.maxBodyBytes);
  if (body === 'aborted') return;
  if (body === 'too large') {
    response.setHeader('connection', 'close');
    return answer(response, 413, 'Payload Too Large');
  }
  const data = parse(request, body);
  if (data === unparsable) return answer(response, 400, 'The body is not valid JSON');
  Object.assign(request, { body }); // as Kubeless' runtime does: the raw bytes
  await call(request, response, data);
}

const unparsable = Symbol('unparsable');

/** JSON only when the sender says so; no body is `{}`, as in Kubeless. */
function parse(request: IncomingMessage, body: Buffer): unknown {
  if (body.length === 0) return {};
  const type = request.headers['content-type'];
  if (type !== 'application/json' && !type?.startsWith('application/json;')) return body.toString();
  try {
    return JSON.parse(body.toString());
  } catch {
    return unparsable;
  }
}

async function call(request: IncomingMessage, response: ServerResponse, data: unknown): Promise<void> {
  const event = {
    data,
    'event-id': request.headers['event-id'],
    'event-type': request.headers['event-type'],
    'event-time': request.headers['event-time'],
    'event-namespace': request.headers['event-namespace'],
    extensions: { request, response },
  };
  const ended = counts.begin(request.method ?? 'GET');
  const timer = setTimeout(() => {
    answer(response, 408, 'Request Timeout');
    ended(true);
  }, settings.timeoutMs);
  try {
    answerValue(response, await handler(event, settings.context));
    ended(false);
  } catch (error) {
    console.error(error);
    answer(response, 500, 'Internal Server Error');
    ended(true);
  } finally {
    clearTimeout(timer);
  }
}

/** The handler's return value is the body: text and bytes as they are, nothing as an empty body, the rest as JSON. */
function answerValue(response: ServerResponse, value: unknown): void {
  if (response.headersSent) return;
  if (typeof value === 'string' || value instanceof Uint8Array) end(response, value);
  else if (value === undefined || value === null) end(response, '');
  else {
    const json = JSON.stringify(value) ?? '';
    if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json');
    end(response, json);
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.statusCode = status;
  end(response, text);
}

function end(response: ServerResponse, body: string | Uint8Array): void {
  if (exitCode !== undefined) response.setHeader('connection', 'close');
  response.end(body);
}

/** Takes no new connection, and leaves when the calls in flight are answered. */
function drain(code: number): void {
  if (exitCode !== undefined) return;
  exitCode = code;
  server.close();
  leaveWhenIdle();
}

function leaveWhenIdle(): void {
  if (exitCode !== undefined && inFlight === 0) process.exit(exitCode);
}

/** The runner makes every function the leader of a process group: what the function started goes with it. */
function endWithGateway(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(1);
  }
}
