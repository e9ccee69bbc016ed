import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/*
 * A function on Node.js' own HTTP server: its answer is in the path of the request. `/seen` tells the bodies it has got.
 * The servers beside this one do the same with what their languages bring.
 */
const seen: string[] = [];

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.url === '/seen') return response.end(seen.join('\n'));
  seen.push(body);
  switch (request.url) {
    case '/empty':
      return response.writeHead(204).end();
    case '/error':
      return response.writeHead(500).end('it failed');
    case '/chunked':
      response.write('one');
      return response.end('two');
    case '/large':
      return response.end('x'.repeat(200_000));
    case '/close':
      return response.writeHead(200, { connection: 'close' }).end('bye');
    default:
      return response.end('ok');
  }
});
server.keepAliveTimeout = 2_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`port ${address?.port}`);
});
