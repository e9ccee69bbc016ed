import { join } from 'node:path';
import { connect } from 'nats';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/port.ts';
import { type Running, startProcess } from '../support/process.ts';
import { tempDir } from '../support/temp.ts';
import { cached, missing, pinned, run, type Tool } from './cache.ts';

const MODULE = join(import.meta.dirname, 'nats');

const go: Tool = {
  command: 'go',
  install: 'Install Go 1.26 or later (https://go.dev/dl/), or set NATS_SERVER_BIN to a nats-server 2.15.',
};

export interface NatsOptions {
  /** Default: false. */
  readonly jetstream?: boolean;
  /** Further arguments of nats-server. */
  readonly args?: readonly string[];
}

/** A nats-server on a port of its own. */
export interface Nats {
  readonly url: string;
  kill(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
  /** Stops it if it runs, and starts it again on the same port with the same data. */
  restart(): Promise<void>;
}

/** Starts a server and waits until a client can connect. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const binary = await natsServer();
  const port = await freePort();
  const data = await tempDir('nats');
  const url = `nats://127.0.0.1:${port}`;
  const args = ['--addr', '127.0.0.1', '--port', `${port}`, ...(options.args ?? [])];
  if (options.jetstream) args.push('--jetstream', '--store_dir', data.path);
  let server: Running | undefined;

  const start = async () => {
    server = await startProcess(binary, args, { name: 'nats-server' }).catch((error) => {
      throw missing({ command: binary, install: 'NATS_SERVER_BIN must name a nats-server.' }, error);
    });
    await ready(server, url);
  };
  const halt = async (signal: NodeJS.Signals) => {
    await server?.stop(signal, 5_000);
  };
  const stop = async () => {
    await halt('SIGTERM');
    await data.remove();
  };

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    kill: (signal) => (signal === 'SIGKILL' ? halt(signal) : Promise.resolve(server?.kill(signal))),
    stop,
    async restart() {
      await halt('SIGTERM');
      await start();
    },
  };
}

/** Servers with JetStream in one cluster; clients go only the ways that they were given. */
export async function startNatsCluster(count: number): Promise<Nats[]> {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(',');
  return Promise.all(
    ports.map((port, i) => {
      const cluster = ['--cluster', `nats://127.0.0.1:${port}`, '--cluster_name', 'c', '--routes', routes];
      return startNats({ jetstream: true, args: ['--server_name', `n${i}`, ...cluster, '--no_advertise'] });
    }),
  );
}

/** Any answer of the server but a refused connection is one: it may ask for credentials or TLS. */
async function ready(server: Running, url: string): Promise<void> {
  const probe = async () => {
    if (server.exit()) return 'exited';
    const client = await connect({ servers: url, reconnect: false, timeout: 1_000 }).catch((error: Error) => error);
    if (!(client instanceof Error)) await client.close();
    return client instanceof Error && /CONNECTION_REFUSED|TIMEOUT/.test(client.message) ? undefined : 'ready';
  };
  const state = await eventually('nats-server accepts a connection', probe);
  if (state === 'exited') throw server.story('nats-server exited at its start');
}

/** `NATS_SERVER_BIN`, or the built one. */
export async function natsServer(): Promise<string> {
  if (process.env.NATS_SERVER_BIN) return process.env.NATS_SERVER_BIN;
  const version = await pinned(join(MODULE, 'go.mod'), /nats-server\/v2 v(\S+)/);
  const place = await cached('nats-server', version, (into) =>
    run(go, ['install', 'tool'], { cwd: MODULE, env: { ...process.env, GOBIN: into } }),
  );
  return join(place, 'nats-server');
}
