import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Agent, request as send } from 'undici';
import { stringify } from 'yaml';
import type { KubeApi } from '../services/kube-apiserver/start.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Of the type, in one namespace: `natstriggers`. */
  readonly plural: string;
  readonly isWatch: boolean;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** What becomes of a request instead of going to the API server. */
export type Fault =
  /** As if nobody listened. */
  | { readonly type: 'reset' }
  /** Accepted, and then nothing. */
  | { readonly type: 'silent' }
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string;
    };

/** A way to an API server on which a test can play its faults, request by request. Plain HTTP on the near side. */
export interface ApiProxy extends AsyncDisposable {
  readonly asked: readonly Asked[];
  /** Undefined: the request goes through. Asked for each. */
  fault: (asked: Asked) => Fault | undefined;
  /** Breaks off what is open: watches above all. */
  cut(): void;
  /** Text of a kubeconfig that leads here. */
  kubeconfig(token: string): string;
}

export async function startApiProxy(api: Pick<KubeApi, 'url' | 'ca'>): Promise<ApiProxy> {
  const asked: Asked[] = [];
  const far = new Agent({ connect: { ca: api.ca }, allowH2: false, bodyTimeout: 0 });
  const open = new Set<AbortController>();
  const underWay = new Set<Promise<void>>();

  const server = createServer(async (request, response) => {
    const one = describe(request);
    asked.push(one);
    const fault = proxy.fault(one);
    const giveUp = new AbortController();
    open.add(giveUp);
    giveUp.signal.addEventListener('abort', () => request.socket.destroy());
    response.on('close', () => giveUp.abort());
    try {
      if (fault === undefined) await followed(forward(request, response, giveUp.signal));
      else play(fault, request, response);
    } catch {
      request.socket.destroy();
    } finally {
      response.on('close', () => open.delete(giveUp));
    }
  });

  function followed(forwarding: Promise<void>): Promise<void> {
    underWay.add(forwarding);
    return forwarding.finally(() => underWay.delete(forwarding));
  }

  async function forward(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...headers } = request.headers;
    const body = await text(request);
    const answer = await send(api.url + (request.url ?? ''), {
      method: request.method ?? 'GET',
      headers,
      body: body === '' ? null : body,
      dispatcher: far,
      signal,
    });
    const { 'transfer-encoding': _____, ...kept } = answer.headers;
    response.writeHead(answer.statusCode, kept).flushHeaders();
    await pipeline(answer.body, response);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: ApiProxy = {
    asked,
    fault: () => undefined,
    cut() {
      for (const each of open) each.abort();
    },
    kubeconfig: (token) => kubeconfig(`http://127.0.0.1:${port}`, token),
    async [Symbol.asyncDispose]() {
      proxy.cut();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      // An answer that has just come would hear of the end before anybody listens to it.
      await Promise.allSettled(underWay);
      await far.destroy();
    },
  };
  return proxy;
}

function play(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  switch (fault.type) {
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'silent':
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      return;
    case 'answer':
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body);
      return;
    default:
      fault satisfies never;
  }
}

function describe({ method = '', url = '' }: IncomingMessage): Asked {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const [, plural = ''] = /\/namespaces\/[^/]+\/([a-z]+)/.exec(pathname) ?? [];
  return {
    method,
    path: pathname,
    plural,
    isWatch: searchParams.get('watch') === 'true',
    at: performance.now(),
  };
}

/** Of plain HTTP, which is only allowed to who says that nobody is to be checked. */
function kubeconfig(server: string, token: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

/** `metav1.Status`. */
export const statusOf = (code: number, reason: string, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
});
