export {
  type ClientConfig,
  type ClientTarget,
  type ClusterTarget,
  type GatewayTarget,
  type ReleaseName,
  readClientConfig,
  readNatsConfig,
} from './client.ts';
export { type ClusterConfig, readClusterConfig, withKubelessDefaults } from './cluster.ts';
export type { KafkaConfig, KafkaSasl, KafkaTls } from './kafka.ts';
export type { Environment, Flags } from './merge.ts';
export type { NatsConfig, NatsLogin } from './nats.ts';
export { processEnvironment } from './process.ts';
export { type Config, type Limits, readConfig } from './read.ts';
export { Secret } from './secret.ts';
export type { LogLevel } from './settings.ts';
