import { createServer } from 'node:http';

/** A function with the time-outs that a Node.js server has by itself. */
const server = createServer((request, response) => request.on('end', () => response.end('ok')).resume());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`port ${address?.port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
