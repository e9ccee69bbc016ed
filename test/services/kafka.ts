import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka as Client, logLevel } from 'kafkajs';
import { patchIdleTimer } from '../../triggers/kafka/kafkajs.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/port.ts';
import { type Running, startProcess } from '../support/process.ts';
import { tempDir } from '../support/temp.ts';
import { type BrokerAddress, type KafkaOptions, propertiesOf } from './broker-properties.ts';
import { cached, missing, pinned, run, type Tool } from './cache.ts';
import { type SecureAddresses, scramPassword, scramUsers } from './kafka-security.ts';

const POM = join(import.meta.dirname, 'kafka', 'pom.xml');

const java: Tool = {
  command: 'java',
  install: 'Install Java 17 or later (Debian: openjdk-17-jre-headless), or set KAFKA_BROKERS_TEST to a running Kafka.',
};
const maven: Tool = {
  command: 'mvn',
  install: 'Install Maven (Debian: maven), or set KAFKA_BROKERS_TEST to a running Kafka.',
};

/** A Kafka of one or three brokers on ports of its own. `broker` counts from 0; without it all are meant. */
export interface Kafka {
  readonly brokers: string[];
  /** Where the proxies of `KafkaOptions` have to lead to. */
  readonly behindProxies: readonly string[];
  /** With `KafkaOptions.security`. */
  readonly secure: readonly SecureAddresses[];
  /** Where each broker keeps its data: a partition's first segment is `TOPIC-PARTITION/00000000000000000000.log`. */
  readonly folders: readonly string[];
  /** Gives a user another password for SCRAM-SHA-512. */
  readonly changePassword: (user: string, password: string) => Promise<void>;
  /** Sends the signal. SIGKILL also waits for the end. */
  kill(signal: NodeJS.Signals, broker?: number): Promise<void>;
  stop(): Promise<void>;
  /** Stops what still runs, and starts it again on the same ports with the same data. */
  restart(broker?: number): Promise<void>;
}

interface Node extends BrokerAddress {
  readonly properties: string;
  readonly folder: string;
  server: Running | undefined;
}

/** Formats the storage, starts the brokers and waits until all of them answer a client. */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const libraries = join(await kafkaHome(), '*');
  const data = await tempDir('kafka');
  const nodes = await layOut(options.brokers ?? 1, data.path);
  // With a letter first: the storage tool takes an id that begins with "-" for an option.
  const clusterId = `T${randomBytes(16).toString('base64url').slice(1)}`;
  const brokers = nodes.map((node) => node.address);
  const chosen = (broker?: number) => (broker === undefined ? nodes : nodes.filter((node) => node.id === broker + 1));

  const start = async (some: readonly Node[]) => {
    await Promise.all(some.map((node) => launch(libraries, node)));
    await ready(nodes);
  };
  const halt = async (some: readonly Node[], signal: NodeJS.Signals) => {
    await Promise.all(some.map((node) => node.server?.stop(signal, 8_000)));
  };
  // The data go away with the brokers, and the last ones of a quorum cannot shut down in order.
  const stop = async () => {
    await halt(nodes, 'SIGKILL');
    await data.remove();
  };

  try {
    await Promise.all(
      nodes.map(async (node) => {
        await mkdir(node.folder);
        await writeFile(node.properties, propertiesOf(node, nodes, node.folder, options));
        const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', node.properties];
        const users = options.security === undefined ? [] : scramUsers(options.security);
        await run(java, [...jvm, '-cp', libraries, ...format, ...users]);
      }),
    );
    await start(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    brokers,
    behindProxies: nodes.map((node) => node.behindProxy),
    secure: nodes.map((node) => node.secure),
    folders: nodes.map((node) => node.folder),
    async changePassword(user, password) {
      const tool = [
        'kafka.admin.ConfigCommand',
        '--bootstrap-server',
        brokers.join(),
        ...scramPassword(user, password),
      ];
      await run(java, [...jvm, '-cp', libraries, ...tool]);
    },
    async kill(signal, broker) {
      if (signal === 'SIGKILL') await halt(chosen(broker), signal);
      else for (const node of chosen(broker)) node.server?.kill(signal);
    },
    stop,
    async restart(broker) {
      await halt(chosen(broker), 'SIGTERM');
      await start(chosen(broker));
    },
  };
}

/** A test broker is small and short-lived: start fast rather than run fast. */
const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

async function layOut(count: number, folder: string): Promise<Node[]> {
  const nodes: Node[] = [];
  for (let id = 1; id <= count; id++) {
    nodes.push({
      id,
      address: `127.0.0.1:${await freePort()}`,
      controller: `127.0.0.1:${await freePort()}`,
      behindProxy: `127.0.0.1:${await freePort()}`,
      secure: { mutualTls: `127.0.0.1:${await freePort()}`, login: `127.0.0.1:${await freePort()}` },
      properties: join(folder, `${id}.properties`),
      folder: join(folder, `${id}`),
      server: undefined,
    });
  }
  return nodes;
}

async function launch(libraries: string, node: Node): Promise<void> {
  try {
    const args = [...jvm, '-cp', libraries, 'kafka.Kafka', node.properties];
    node.server = await startProcess(java.command, args, { name: `kafka ${node.id}` });
  } catch (error) {
    throw missing(java, error);
  }
}

/** All brokers whose process runs know each other and take requests. */
async function ready(nodes: readonly Node[]): Promise<void> {
  const running = nodes.filter((node) => node.server?.exit() === undefined);
  patchIdleTimer();
  const client = new Client({
    brokers: running.map((node) => node.address),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    retry: { retries: 0 },
  });
  const failed = await eventually(
    `${nodes.length} Kafka brokers answer`,
    async () => {
      const dead = running.find((node) => node.server?.exit());
      if (dead) return dead;
      const admin = client.admin();
      try {
        await admin.connect();
        const cluster = await admin.describeCluster();
        return cluster.controller !== null && cluster.brokers.length === running.length ? ('none' as const) : undefined;
      } finally {
        await admin.disconnect();
      }
    },
    { within: 60_000, every: 100 },
  );
  if (failed !== 'none')
    throw failed.server?.story(`kafka ${failed.id} exited at its start`) ?? new Error('kafka exited');
}

/** The folder with Kafka's jars. */
export async function kafkaHome(): Promise<string> {
  const version = await pinned(POM, /<kafka\.version>(.+?)</);
  return await cached('kafka', version, (into) =>
    run(maven, ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${into}`]),
  );
}
