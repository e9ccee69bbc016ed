import type { NatsConnectionOptions, NatsLogin } from '../../triggers/nats/index.ts';
import type { NatsConfig } from '../config/index.ts';

/** What the kind needs of the configuration. */
export function natsConnection({ servers, tls, login }: NatsConfig): NatsConnectionOptions {
  return {
    servers,
    tls: tls && { caFile: tls.caFile, ...tls.client },
    login: natsLogin(login),
  };
}

/** Secrets are asked for when a connection is made: they may have changed. */
function natsLogin(login: NatsConfig['login']): NatsLogin | undefined {
  switch (login.type) {
    case 'none':
      return undefined;
    case 'password':
      return { type: 'password', user: login.user, password: () => login.password.reveal() };
    case 'token':
      return { type: 'token', token: () => login.token.reveal() };
    case 'creds':
      return { type: 'creds', creds: () => login.read().reveal() };
    case 'nkey':
      return { type: 'nkey', seed: () => login.read().reveal() };
    default:
      return login satisfies never;
  }
}
