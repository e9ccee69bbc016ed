import { z } from 'zod';
import { Secret } from './secret.ts';
import { boolean, commaList, httpUrl, milliseconds, wholeNumber } from './text.ts';

const MEBIBYTE = 1_048_576;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Logrus' names, which Kubeless' variable carries in capitals. */
const LOGRUS_LEVELS: Record<string, LogLevel> = { warning: 'warn', panic: 'fatal' };

const logLevel = z
  .string()
  .transform((text) => LOGRUS_LEVELS[text.toLowerCase()] ?? text.toLowerCase())
  .pipe(z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }));

const filled = z.string().regex(/\S/, 'a text that is not empty');
const secret = filled.transform((text) => new Secret(text));

/** Every setting there is: what it may be, and what it is when nobody says. */
export const settings = z.object({
  port: wholeNumber(0, 65_535).default(8080),
  host: filled.default('127.0.0.1'),
  dataDir: filled.default('.trigate'),
  manifests: z.array(filled).default([]),
  logLevel: logLevel.default('info'),
  maxEventBytes: wholeNumber(1, 512 * MEBIBYTE).default(MEBIBYTE),
  shutdownDeadline: milliseconds(3_600_000).default(25_000),
  shutdownDelay: milliseconds(3_600_000).default(0),
  stallAfter: milliseconds(86_400_000, 1_000).default(60_000),

  caller: z.enum(['http1', 'undici'], { error: 'http1 or undici' }).default('http1'),

  token: secret.optional(),
  tokenFile: filled.optional(),
  gateway: httpUrl.default('http://127.0.0.1:8080'),
  namespace: filled.optional(),
  release: z
    .string()
    .regex(/^([a-z0-9-]+\/)?[a-z0-9.-]+$/, 'the name of a Helm release, or NAMESPACE/NAME')
    .optional(),

  kafkaBrokers: commaList('a comma list of host:port', /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/).optional(),
  kafkaEnableTls: boolean.default(false),
  kafkaCaCerts: filled.optional(),
  kafkaCert: filled.optional(),
  kafkaKey: filled.optional(),
  kafkaInsecure: boolean.default(false),
  kafkaEnableSasl: boolean.default(false),
  kafkaUsername: filled.optional(),
  kafkaPassword: secret.optional(),
  kafkaPasswordFile: filled.optional(),
  // Kafka's own settings have it in capitals.
  kafkaSaslMechanism: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(['plain', 'scram-sha-256', 'scram-sha-512'], { error: 'plain, scram-sha-256 or scram-sha-512' }))
    .default('plain'),
  kafkaSessionTimeout: milliseconds(1_800_000, 3_000).default(30_000),

  natsUrl: secret.optional(),
  natsCreds: filled.optional(),
  natsNkey: filled.optional(),
  natsCaCerts: filled.optional(),
  natsCert: filled.optional(),
  natsKey: filled.optional(),

  kubernetesAllow: commaList(
    'a comma list of kinds such as Secret or *.rbac.authorization.k8s.io',
    /^(\*\.[a-z0-9.-]+|[A-Z][A-Za-z0-9]*(\.[a-z0-9.-]+)?)$/,
  ).default([]),
  kubernetesScopes: commaList('a comma list of allNamespaces and cluster', /^(allNamespaces|cluster)$/)
    .pipe(z.array(z.enum(['allNamespaces', 'cluster'])))
    .default([]),

  kubelessNamespace: filled.default('kubeless'),
  kubelessConfig: filled.default('kubeless-config'),
  kubelessTokenFile: filled.optional(),

  kubeconfig: filled.optional(),
  context: filled.optional(),
  functionsNamespace: filled.optional(),
  functionEndpoints: commaList(
    'a comma list of hosts such as functions.example.com, *.example.com or host:8443',
    /^(\*\.)?([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/,
  ).default([]),
  podIps: commaList('a comma list of IP addresses', /^[0-9a-fA-F:.]+$/).default([]),
  kubernetesHost: filled.optional(),
  kubernetesPort: filled.default('443'),
  home: filled.optional(),
});

export type Settings = z.output<typeof settings>;
export type SettingName = keyof Settings;

/** Where a setting may come from: environment variables, the first that is set wins, and a flag, which wins over them. */
interface Origin {
  readonly env: readonly string[];
  readonly flag?: string;
}

export const origins: Readonly<Record<SettingName, Origin>> = {
  port: { env: ['TRIGATE_PORT'], flag: '--port' },
  host: { env: ['TRIGATE_HOST'], flag: '--host' },
  dataDir: { env: ['TRIGATE_DATA_DIR'], flag: '--data-dir' },
  manifests: { env: [], flag: '-f' },
  logLevel: { env: ['TRIGATE_LOG_LEVEL', 'KUBELESS_LOG_LEVEL'], flag: '--log-level' },
  maxEventBytes: { env: ['TRIGATE_MAX_EVENT_BYTES'] },
  shutdownDeadline: { env: ['TRIGATE_SHUTDOWN_DEADLINE'], flag: '--shutdown-deadline' },
  shutdownDelay: { env: ['TRIGATE_SHUTDOWN_DELAY'] },
  stallAfter: { env: ['TRIGATE_STALL_AFTER'] },
  caller: { env: ['TRIGATE_CALLER'] },
  token: { env: ['TRIGATE_TOKEN'] },
  tokenFile: { env: ['TRIGATE_TOKEN_FILE'], flag: '--token-file' },
  gateway: { env: ['TRIGATE_GATEWAY'], flag: '--gateway' },
  namespace: { env: ['TRIGATE_NAMESPACE'], flag: '--namespace' },
  release: { env: ['TRIGATE_RELEASE'], flag: '--release' },
  kafkaBrokers: { env: ['KAFKA_BROKERS'] },
  kafkaEnableTls: { env: ['KAFKA_ENABLE_TLS'] },
  kafkaCaCerts: { env: ['KAFKA_CACERTS'] },
  kafkaCert: { env: ['KAFKA_CERT'] },
  kafkaKey: { env: ['KAFKA_KEY'] },
  kafkaInsecure: { env: ['KAFKA_INSECURE'] },
  kafkaEnableSasl: { env: ['KAFKA_ENABLE_SASL'] },
  kafkaUsername: { env: ['KAFKA_USERNAME'] },
  kafkaPassword: { env: ['KAFKA_PASSWORD'] },
  kafkaPasswordFile: { env: ['KAFKA_PASSWORD_FILE'] },
  kafkaSaslMechanism: { env: ['KAFKA_SASL_MECHANISM'] },
  kafkaSessionTimeout: { env: ['TRIGATE_KAFKA_SESSION_TIMEOUT'] },
  natsUrl: { env: ['NATS_URL'], flag: '--url' },
  natsCreds: { env: ['NATS_CREDS'] },
  natsNkey: { env: ['NATS_NKEY'] },
  natsCaCerts: { env: ['NATS_CACERTS'] },
  natsCert: { env: ['NATS_CERT'] },
  natsKey: { env: ['NATS_KEY'] },
  kubernetesAllow: { env: ['TRIGATE_KUBERNETES_ALLOW'] },
  kubernetesScopes: { env: ['TRIGATE_KUBERNETES_SCOPES'] },
  kubelessNamespace: { env: ['KUBELESS_NAMESPACE'] },
  kubelessConfig: { env: ['KUBELESS_CONFIG'] },
  kubelessTokenFile: { env: ['KUBELESS_TOKEN_FILE_PATH'] },
  kubeconfig: { env: ['KUBECONFIG'], flag: '--kubeconfig' },
  context: { env: [], flag: '--context' },
  functionsNamespace: { env: ['TRIGATE_FUNCTIONS_NAMESPACE'], flag: '--functions-namespace' },
  functionEndpoints: { env: ['TRIGATE_FUNCTION_ENDPOINTS'], flag: '--function-endpoints' },
  podIps: { env: ['POD_IPS', 'POD_IP'] },
  kubernetesHost: { env: ['KUBERNETES_SERVICE_HOST'] },
  kubernetesPort: { env: ['KUBERNETES_SERVICE_PORT'] },
  home: { env: ['HOME', 'USERPROFILE'] },
};

/** Settings whose value is not shown in an error. */
export const secretSettings: ReadonlySet<SettingName> = new Set(['token', 'kafkaPassword', 'natsUrl']);
