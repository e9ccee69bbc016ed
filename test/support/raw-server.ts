import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What a server does when a request has come in full. */
export type Script = (socket: Socket, body: string) => void;

/** A server that speaks just enough HTTP to see each request, and answers as the test writes it. */
export class RawServer {
  readonly bodies: string[] = [];
  readonly heads: string[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  script: Script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
      let text = '';
      socket.on('data', (chunk) => {
        text = this.#requests(socket, text + chunk.toString('latin1'));
      });
    });
  }

  #requests(socket: Socket, text: string): string {
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return text;
      const body = text.slice(end + 4, end + 4 + length);
      this.heads.push(text.slice(0, end));
      this.bodies.push(body);
      text = text.slice(end + 4 + length);
      this.script(socket, body);
    }
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}
