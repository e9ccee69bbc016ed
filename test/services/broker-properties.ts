import { type KafkaSecurity, type SecureAddresses, securityProperties } from './kafka-security.ts';

export interface KafkaOptions {
  /** `group.coordinator.append.linger.ms`: how long a commit waits for others. Default: the broker's own, 5. */
  readonly lingerMs?: number;
  /** Brokers, each a controller too. Default: 1. */
  readonly brokers?: 1 | 3;
  /** Addresses of a test's own proxies, one for each broker: clients that come through them are told no others. */
  readonly proxies?: readonly string[];
  /** Listeners with TLS and logins. Default: none. */
  readonly security?: KafkaSecurity;
}

/** Where one broker listens. */
export interface BrokerAddress {
  readonly id: number;
  readonly address: string;
  readonly controller: string;
  /** What a proxy leads to. */
  readonly behindProxy: string;
  readonly secure: SecureAddresses;
}

/** The `server.properties` of one broker, which keeps its data in `folder`. */
export function propertiesOf(
  node: BrokerAddress,
  nodes: readonly BrokerAddress[],
  folder: string,
  options: KafkaOptions,
): string {
  const copies = nodes.length;
  const inSync = copies === 1 ? 1 : 2;
  const proxy = options.proxies?.[node.id - 1];
  const listeners = {
    PLAINTEXT: [node.address, node.address],
    CONTROLLER: [node.controller, undefined],
    ...(proxy !== undefined && { PROXY: [node.behindProxy, proxy] }),
    ...(options.security !== undefined && {
      MUTUALTLS: [node.secure.mutualTls, node.secure.mutualTls],
      LOGIN: [node.secure.login, node.secure.login],
    }),
  };
  const shown = Object.entries(listeners).filter(([, [, advertised]]) => advertised !== undefined);
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map(({ id, controller }) => `${id}@${controller}`).join(','),
    listeners: Object.entries(listeners)
      .map(([name, [at]]) => `${name}://${at}`)
      .join(),
    'advertised.listeners': shown.map(([name, [, advertised]]) => `${name}://${advertised}`).join(),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXY:PLAINTEXT,MUTUALTLS:SSL,LOGIN:SASL_SSL',
    'log.dirs': folder,
    'auto.create.topics.enable': false,
    // A broker that was killed is noticed after this time; the default is 9 s.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': 8,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    // Tests of zombies use short sessions.
    'group.min.session.timeout.ms': 1_000,
    ...(options.lingerMs === undefined ? {} : { 'group.coordinator.append.linger.ms': options.lingerMs }),
    ...(options.security === undefined ? {} : securityProperties(options.security)),
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
