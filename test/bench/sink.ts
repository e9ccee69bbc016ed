import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const HEAD_END = '\r\n\r\n';

/**
 * An HTTP server as fast as a process of its own can be: it finds where requests end and nothing else, so it is no example
 * of a server. Prints its port, on the address that its first argument names; a line on standard input is answered by `report`, the end of it ends the process.
 * @param onRequest answers by calling `answer`, now or later
 */
export function serveSink(
  onRequest: (body: string, answer: () => void, head: string) => void,
  report: () => string,
): void {
  const response = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    readRequests(socket, (body, head) => onRequest(body, () => socket.write(response), head));
  });
  // Two thousand schedules of one second connect at once.
  server.listen({ port: 0, host: process.argv[2] ?? '127.0.0.1', backlog: 4_096 }, () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) console.log(`port ${address.port}`);
  });
  createInterface(process.stdin)
    .on('line', () => console.log(report()))
    .on('close', () => process.exit(0));
}

function readRequests(socket: Socket, onBody: (body: string, head: string) => void): void {
  let unread = '';
  socket.on('data', (chunk) => {
    unread += chunk.toString('latin1');
    for (;;) {
      const headEnd = unread.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(unread.slice(0, headEnd))?.[1] ?? 0);
      const end = headEnd + HEAD_END.length + length;
      if (unread.length < end) return;
      onBody(unread.slice(headEnd + HEAD_END.length, end), unread.slice(0, headEnd));
      unread = unread.slice(end);
    }
  });
}
