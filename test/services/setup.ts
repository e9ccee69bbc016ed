import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startKafka } from './kafka.ts';
import { kubeBinaries } from './kube-apiserver/binaries.ts';
import { startNats } from './nats.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a test asks for a shared service: `shared.ts`. */
    services: string;
  }
}

interface Service {
  readonly servers: readonly string[];
  stop(): Promise<void>;
}

/**
 * One Kafka and one NATS for the whole run, each started when the first test asks for it: a run of unit tests starts
 * neither. Tests run in processes of their own, so they ask over HTTP; `GET /kafka` answers the addresses.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<Service>>();
  const server = createServer((request, response) => {
    const name = request.url ?? '';
    const service = started.get(name) ?? start(name);
    started.set(name, service);
    service.then(
      ({ servers }) => response.end(JSON.stringify(servers)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  project.provide('services', `http://127.0.0.1:${port}`);

  return async () => {
    server.close();
    const services = await Promise.allSettled(started.values());
    await Promise.all(services.map((service) => (service.status === 'fulfilled' ? service.value.stop() : undefined)));
  };
}

async function start(name: string): Promise<Service> {
  switch (name) {
    case '/kafka': {
      const given = process.env.KAFKA_BROKERS_TEST;
      if (given) return { servers: given.split(','), stop: async () => {} };
      const kafka = await startKafka();
      return { servers: kafka.brokers, stop: kafka.stop };
    }
    case '/nats': {
      const nats = await startNats({ jetstream: true });
      return { servers: [nats.url], stop: nats.stop };
    }
    // Not a server: two test files must not build it at the same time.
    case '/kube-binaries': {
      const { apiServer, etcd } = await kubeBinaries();
      return { servers: [apiServer, etcd], stop: async () => {} };
    }
    default:
      throw new Error(`There is no shared service ${name}`);
  }
}
