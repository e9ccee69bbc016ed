import { TrigateError } from '../domain/errors.ts';
import { readNamedFile } from './files.ts';
import { invalidSetting, type Merged } from './merge.ts';
import { Secret } from './secret.ts';
import type { Settings } from './settings.ts';

/** How to reach NATS. */
export interface NatsConfig {
  /** `host:port`, without credentials. */
  readonly servers: readonly string[];
  /** One of the URLs is `tls://`. */
  readonly tls: boolean;
  readonly login: NatsLogin;
}

export type NatsLogin =
  | { readonly type: 'none' }
  | { readonly type: 'password'; readonly user: string; readonly password: Secret }
  | { readonly type: 'token'; readonly token: Secret }
  /** The text of a `.creds` file. */
  | { readonly type: 'creds'; readonly creds: Secret };

const ALLOWED =
  'a comma list of nats://[user:password@]host[:port] or tls://…, with one login for all (values are not shown here)';
const DEFAULT_PORT = '4222';

/** `NATS_URL`, several by commas, credentials inside as Kubeless has them; or `NATS_CREDS`. Undefined without a URL. */
export function natsConfig(settings: Settings, merged: Merged): NatsConfig | undefined {
  if (settings.natsUrl === undefined) return undefined;
  const urls = settings.natsUrl
    .reveal()
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parse);
  const valid = urls.filter((url) => url !== undefined);
  if (valid.length === 0 || valid.length < urls.length) throw invalidSetting(merged, 'natsUrl', ALLOWED);
  return {
    servers: valid.map((url) => `${url.hostname}:${url.port || DEFAULT_PORT}`),
    tls: valid.some((url) => url.protocol === 'tls:'),
    login: login(valid, settings, merged),
  };
}

function parse(text: string): URL | undefined {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`);
  const known = url?.protocol === 'nats:' || url?.protocol === 'tls:';
  return url !== null && known && url.hostname !== '' && /^\/?$/.test(url.pathname) ? url : undefined;
}

function login(urls: readonly URL[], settings: Settings, merged: Merged): NatsLogin {
  const logins = new Set(urls.filter((url) => url.username !== '').map((url) => `${url.username}:${url.password}`));
  if (logins.size > 1) throw invalidSetting(merged, 'natsUrl', ALLOWED);
  const withLogin = urls.find((url) => url.username !== '');
  if (settings.natsCreds !== undefined) {
    if (withLogin !== undefined) {
      throw new TrigateError('INVALID_CONFIG', 'NATS_CREDS is set and NATS_URL has credentials too; keep one of them.');
    }
    return { type: 'creds', creds: new Secret(readNamedFile(merged, 'natsCreds', settings.natsCreds)) };
  }
  if (withLogin === undefined) return { type: 'none' };
  try {
    return ofUrl(withLogin);
  } catch {
    // A lone % in a password: decodeURIComponent's own error would show the value.
    throw invalidSetting(merged, 'natsUrl', ALLOWED);
  }
}

/** `nats://token@host`: a name without a password is a token, as in the NATS clients. */
function ofUrl(url: URL): NatsLogin {
  const user = decodeURIComponent(url.username);
  if (url.password === '') return { type: 'token', token: new Secret(user) };
  return { type: 'password', user, password: new Secret(decodeURIComponent(url.password)) };
}
