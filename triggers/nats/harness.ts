import { randomUUID } from 'node:crypto';
import { connect, headers, type MsgHdrs, type NatsConnection } from 'nats';
import { z } from 'zod';
import { systemClock } from '../../src/domain/clock.ts';
import type { TriggerKind } from '../../src/domain/kind.ts';
import type { Broker, ConformanceTopic, Connection, Harness, Publication } from '../../test/conformance/harness.ts';
import { startNatsCluster } from '../../test/services/nats.ts';
import { sharedNats } from '../../test/services/shared.ts';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/port.ts';
import { createNatsKind, type NatsConnectionOptions } from './index.ts';
import { JetStreamApi } from './jetstream/api.ts';

const nothingKept = 'core NATS keeps nothing: what is published while nobody listens is nowhere';

export const natsHarness: Harness = {
  name: 'nats',
  durable: false,
  skips: {
    'what was claimed and never settled is counted as unknown(crash)':
      'receipt in memory is the claim: what a killed process held is lost without a count',
    'closing under load finishes what was claimed, and the next source goes on behind it': nothingKept,
    'events published while nobody reads are read later, each once': nothingKept,
    'the id of an event is the same whoever reads it, and no other event has it':
      'a message has no coordinates: its id is given at receipt',
    'startFrom counts only where no position exists': 'there are no positions',
  },
  start: async () => coreBroker(await sharedNats()),
};

/** The same kind, with `spec.jetstream`. */
export const jetstreamHarness: Harness = {
  name: 'nats with jetstream',
  durable: true,
  skips: {},
  start: async () => streamBroker(await sharedNats()),
};

/** The same on three servers, with three replicas of each stream. */
export const clusterHarness: Harness = {
  name: 'nats with jetstream, three servers',
  durable: true,
  skips: {},
  async start() {
    const servers = await startNatsCluster(3);
    const addresses = servers.map(({ url }) => url);
    const broker = await eventually('there is a leader', () => streamsIn(addresses), { within: 60_000 });
    return {
      ...broker,
      async stop() {
        await broker.stop();
        await Promise.all(servers.map((server) => server.stop()));
      },
    };
  },
};

/** Core NATS on three servers: who publishes is at the first, who reads at any. */
export const coreClusterHarness: Harness = {
  ...natsHarness,
  name: 'nats, three servers',
  async start() {
    const servers = await startNatsCluster(3);
    const clients = await Promise.all(servers.map(({ url }) => connect({ servers: url })));
    const fence = await Fence.between(clients);
    const addresses = servers.map(({ url }) => url);
    const createTopic = async () => {
      const topic = await coreTopic(fence.first);
      return {
        ...topic,
        publish: (events: readonly Publication[]) => fence.passed().then(() => topic.publish(events)),
      };
    };
    const broker = await startBroker(addresses, createTopic, (kind) => kind);
    return {
      ...broker,
      async stop() {
        await broker.stop();
        await Promise.all(clients.map((client) => client.close()));
        await Promise.all(servers.map((server) => server.stop()));
      },
    };
  },
};

/**
 * A server tells the others of a subscription a moment after it has answered for it; but what it says to them it says in
 * order. So what comes through each server to the first has all subscriptions before it.
 */
class Fence {
  readonly first: NatsConnection;
  readonly #clients: readonly NatsConnection[];
  readonly #subject = `fence.${randomUUID()}`;
  /** The highest number that came through each server. */
  readonly #heard: number[];
  #asked = 0;

  private constructor(clients: readonly NatsConnection[]) {
    const [first] = clients;
    if (first === undefined) throw new Error('there is no server');
    this.first = first;
    this.#clients = clients;
    this.#heard = clients.map(() => 0);
    first.subscribe(this.#subject, {
      callback: (_, message) => {
        const [at = 0, asked = 0] = message.string().split(' ').map(Number);
        this.#heard[at] = asked;
      },
    });
  }

  /** Also the fence's own subscription has to be told of: until it is, nothing comes. */
  static async between(clients: readonly NatsConnection[]): Promise<Fence> {
    const fence = new Fence(clients);
    await eventually('all servers know of the fence', () => fence.#ask() > 0 && Math.min(...fence.#heard) > 0);
    return fence;
  }

  async passed(): Promise<void> {
    const asked = this.#ask();
    await eventually('all servers have told the first', () => Math.min(...this.#heard) >= asked, { every: 1 });
  }

  #ask(): number {
    this.#asked++;
    for (const [at, client] of this.#clients.entries()) client.publish(this.#subject, `${at} ${this.#asked}`);
    return this.#asked;
  }
}

/**
 * Rejects until the cluster has agreed on who leads it. Its first stream takes longer than all that come after it, and so may
 * that of the members' records: on a busy machine longer than a source waits for it, which a controller then opens again.
 */
async function streamsIn(addresses: readonly string[]): Promise<Broker> {
  const client = await connect({ servers: [...addresses] });
  try {
    await (await client.jetstreamManager()).streams.list().next();
    await (await streamTopic(client, addresses.length)).delete();
    const api = await JetStreamApi.of(client);
    await api.ensureLedger(addresses.length);
    await api.slots(api.ledgerRoot);
  } finally {
    await client.close();
  }
  return streamBroker(addresses, addresses.length);
}

/** Core NATS at an address. */
export const coreBroker = (url: string): Promise<Broker> => startBroker(url, coreTopic, (kind) => kind);

/** JetStream at an address. */
export const streamBroker = (servers: Servers, replicas = 1): Promise<Broker> =>
  startBroker(servers, (client) => streamTopic(client, replicas), withJetStream);

type Servers = NatsConnectionOptions['servers'];

async function startBroker(
  servers: Servers,
  createTopic: (client: NatsConnection) => Promise<ConformanceTopic>,
  kindOf: (kind: TriggerKind) => TriggerKind,
): Promise<Broker> {
  const addresses = typeof servers === 'string' ? servers : [...servers];
  const client = await connect({ servers: addresses, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  const nowhere = `nats://127.0.0.1:${await freePort()}`;
  return {
    createTopic: () => createTopic(client),
    connect: () => connectionTo({ servers }, kindOf),
    connectNowhere: () => connectionTo({ servers: nowhere }, kindOf),
    stop: () => client.close(),
  };
}

/** A process of its own, as far as NATS can see. */
export function connectionTo(
  options: NatsConnectionOptions,
  kindOf: (kind: TriggerKind) => TriggerKind = (kind) => kind,
): Connection {
  const kind = createNatsKind(options, systemClock);
  return { kind: kindOf(kind), close: () => kind.close() };
}

export async function coreTopic(client: NatsConnection): Promise<ConformanceTopic> {
  const prefix = `conformance.${randomUUID().slice(0, 8)}`;
  return {
    pattern: `${prefix}.*`,
    async publish(events) {
      for (const event of events)
        client.publish(`${prefix}.${event.key ?? 'key'}`, event.data ?? undefined, headersOf(event));
      await client.flush();
    },
    delete: async () => {},
  };
}

function headersOf({ contentType }: Publication): { headers?: MsgHdrs } {
  if (contentType === undefined) return {};
  const of = headers();
  of.set('content-type', contentType);
  return { headers: of };
}

export async function streamTopic(client: NatsConnection, replicas: number): Promise<ConformanceTopic> {
  const prefix = `stream.${randomUUID().slice(0, 8)}`;
  const stream = prefix.replace('.', '-');
  const manager = await client.jetstreamManager();
  const jetstream = client.jetstream();
  const place = () => manager.streams.add({ name: stream, subjects: [`${prefix}.>`], num_replicas: replicas });
  const exists = async () => (await manager.streams.names(`${prefix}.>`).next()).length > 0;
  // A server that is up again is offline to its leader for a while, which then places no stream, or does not answer.
  await eventually('the stream is placed', place, { within: 30_000 });
  await eventually('the stream has a leader', () => manager.streams.info(stream), { within: 30_000 });
  return {
    pattern: `${prefix}.*`,
    async publish(events) {
      const published = events.map((event) =>
        jetstream.publish(`${prefix}.${event.key ?? 'key'}`, event.data ?? undefined, headersOf(event)),
      );
      await Promise.all(published);
    },
    async delete() {
      await eventually('the stream is gone', async () => !(await exists()) || manager.streams.delete(stream));
    },
  };
}

export const withJetStream = (kind: TriggerKind, jetstream: object = {}): TriggerKind => ({
  ...kind,
  spec: z.preprocess((spec) => Object.assign({}, spec, { jetstream }), kind.spec),
});
