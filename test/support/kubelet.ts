import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority } from './certificates.ts';

/** As much of a kubelet as an API server asks for the log of a container; every container prints the same. */
export interface Kubelet extends AsyncDisposable {
  readonly port: number;
  /** The paths that were asked for, with their queries. */
  readonly asked: readonly string[];
  /** To all that have asked, and to those who will. */
  print(line: string): void;
}

/** @param folder for its certificate, which API servers do not check by default */
export async function startKubelet(folder: string, host: string): Promise<Kubelet> {
  const { cert, key } = await (await createAuthority(folder, 'kubelet')).issue('kubelet');
  const asked: string[] = [];
  const readers = new Set<ServerResponse>();
  let printed = '';
  const server = createServer({ cert: await readFile(cert), key: await readFile(key) }, (request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'text/plain' }).write(printed);
    if (!request.url?.includes('follow=true')) response.end();
    else readers.add(response);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    print(line) {
      printed += `${line}\n`;
      for (const reader of readers) reader.write(`${line}\n`);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
