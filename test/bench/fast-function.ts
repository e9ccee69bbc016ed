import { createServer } from 'node:net';

/*
 * A function as fast as a process of its own can be: it counts complete requests by their end and answers each with the
 * same bytes. It reads nothing, so it is no example of a server. `node fast-function.ts` prints its port; a line on
 * standard input is answered with the number of requests so far.
 */

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
const HEAD_END = '\r\n\r\n';

let requests = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let missing = 0;
  let head = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (missing > 0) {
        const taken = Math.min(missing, chunk.length - at);
        missing -= taken;
        at += taken;
      } else {
        head += chunk.toString('latin1', at);
        const end = head.indexOf(HEAD_END);
        if (end < 0) return;
        at = chunk.length - (head.length - end - HEAD_END.length);
        missing = Number(/content-length: (\d+)/i.exec(head.slice(0, end))?.[1] ?? 0);
        head = '';
        if (missing > 0) continue;
      }
      if (missing === 0) {
        requests++;
        socket.write(ANSWER);
      }
    }
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) console.log(`port ${address.port}`);
});
process.stdin.on('data', () => console.log(`requests ${requests}`));
process.stdin.on('end', () => process.exit(0));
