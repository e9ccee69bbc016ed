/** Two listeners beside the plain one: `mutualTls` asks for a client's certificate, `login` for a password over TLS. */
export interface KafkaSecurity {
  /** Paths of PEM files, which a broker reads when it starts: its key and certificate in one, and who signs its clients'. */
  readonly keyStore: string;
  readonly trustStore: string;
  /** Passwords by user: for PLAIN, and for both kinds of SCRAM. */
  readonly users: Readonly<Record<string, string>>;
  /** Milliseconds after which a client has to log in again on a connection that it has. Default: never. */
  readonly loginLasts?: number;
}

/** Addresses of one broker. */
export interface SecureAddresses {
  readonly mutualTls: string;
  readonly login: string;
}

/** More of a broker's `server.properties`. */
export function securityProperties({ keyStore, trustStore, users, loginLasts }: KafkaSecurity) {
  const module = 'org.apache.kafka.common.security';
  const plain = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': trustStore,
    'listener.name.mutualtls.ssl.client.auth': 'required',
    'listener.name.login.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.login.plain.sasl.jaas.config': `${module}.plain.PlainLoginModule required ${plain.join(' ')};`,
    'listener.name.login.scram-sha-256.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
    'listener.name.login.scram-sha-512.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
    ...(loginLasts === undefined ? {} : { 'connections.max.reauth.ms': loginLasts }),
  };
}

const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Arguments of the storage tool: users are there before the first start. */
export const scramUsers = ({ users }: KafkaSecurity): string[] =>
  Object.entries(users).flatMap(([name, password]) =>
    SCRAM.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
  );

/** Arguments of the configuration tool: another password for SCRAM-SHA-512 from now on. It changes one at a time. */
export const scramPassword = (user: string, password: string): string[] => [
  ...['--alter', '--entity-type', 'users', '--entity-name', user, '--add-config'],
  `SCRAM-SHA-512=[password=${password}]`,
];
