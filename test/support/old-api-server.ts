import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type Dispatcher, request } from 'undici';

/**
 * An API server with what Kubernetes had when Kubeless' command was built, and has no more since 1.22: the definition of
 * Functions in v1beta1, which the command reads before `function update` and `get-server-config`. Everything else is
 * asked of the server behind.
 */
export async function startOldApiServer(options: {
  readonly behind: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dispatcher?: Dispatcher;
}): Promise<AsyncDisposable & { readonly url: string }> {
  const { behind, headers = {}, dispatcher } = options;
  const server = createServer(async (incoming, response) => {
    if (incoming.url === `/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions/${DEFINITION.metadata.name}`) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(DEFINITION));
      return;
    }
    try {
      const answer = await request(`${behind}${incoming.url}`, {
        method: (incoming.method ?? 'GET') as Dispatcher.HttpMethod,
        headers: { ...passed(incoming.headers), ...headers },
        body: incoming.method === 'GET' ? null : incoming,
        ...(dispatcher && { dispatcher }),
      });
      response.writeHead(answer.statusCode, passed(answer.headers));
      await pipeline(answer.body, response);
    } catch {
      response.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1beta1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'functions.kubeless.io' },
};

const passed = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !['host', 'connection', 'transfer-encoding'].includes(name)),
  );
