// A function as a container of its own: anything that answers HTTP is one.
const { createServer } = require('node:http');
const { hostname } = require('node:os');

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  console.log(`${hostname()} got ${request.headers['event-id']} of ${request.headers['event-topic']}: ${body}`);
  response.writeHead(204).end();
});
server.listen(8080);
process.on('SIGTERM', () => server.close());
