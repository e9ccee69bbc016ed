import type { SourceStatus } from '../../src/domain/kind.ts';
import { type Kafka, startKafka } from '../services/kafka.ts';
import { eventually } from './eventually.ts';
import { createTopic, type TestTopic } from './kafka.ts';
import { type KafkaProxy, startKafkaProxy } from './kafka-proxy.ts';
import { type Replica, type SubscriptionWanted, startReplica } from './kafka-subscription.ts';
import { type Recorder, startRecorder } from './recorder.ts';

/** A real broker, and a proxy before it. */
export interface KafkaBehindProxy {
  readonly proxy: KafkaProxy;
  readonly kafka: Kafka;
  stop(): Promise<void>;
}

export async function startKafkaBehindProxy(): Promise<KafkaBehindProxy> {
  const proxy = await startKafkaProxy();
  const kafka = await startKafka({ proxies: [proxy.address] });
  proxy.lead(kafka.behindProxies[0] ?? '');
  return {
    proxy,
    kafka,
    async stop() {
      await proxy.close();
      await kafka.stop();
    },
  };
}

/** A topic, and a replica that reads it through the proxy. Publishing goes past the proxy. */
export interface Scene extends AsyncDisposable {
  readonly topic: TestTopic;
  readonly recorder: Recorder;
  readonly replica: Replica;
  /** What it has reported since, but that it is connected. Before, a broker that has just begun may be loading its groups. */
  troubles(): readonly SourceStatus[];
}

/** One function; twenty events have been delivered and settled. In the end everything passes the proxy again. */
export async function startScene(
  { proxy, kafka }: KafkaBehindProxy,
  partitions: number,
  more: Partial<SubscriptionWanted> = {},
): Promise<Scene> {
  const topic = await createTopic(kafka.brokers, { partitions });
  const recorder = await startRecorder(['f']);
  const replica = startReplica({ brokers: [proxy.address], topic: topic.name, recorder, ...more });
  await replica.connected();
  await topic.produce(20);
  await eventually('twenty are delivered', () => replica.row()?.delivered === 20);
  const before = replica.history.length;
  return {
    topic,
    recorder,
    replica,
    troubles: () => replica.history.slice(before).filter(({ type }) => type !== 'connected'),
    async [Symbol.asyncDispose]() {
      proxy.rule(() => 'pass');
      proxy.refuse(false);
      await replica.close();
      await recorder.close();
      await topic.delete();
    },
  };
}
