import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { readCode } from './content.ts';

function* endless() {
  for (;;) yield Buffer.alloc(1_048_576);
}

test('code at a URL that does not end is given up at a size', async () => {
  const server = createServer((_, response) => {
    Readable.from(endless()).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}/code.js`;
  await expect(readCode('--from-file', url)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: `--from-file must be a URL that can be fetched, found "${url}" (it is larger than 64 MiB).`,
  });
});
