import { TrigateError } from '../domain/errors.ts';
import { readNamedFile, readSecretFile, rereading } from './files.ts';
import { invalidSetting, type Merged } from './merge.ts';
import { Secret } from './secret.ts';
import type { SettingName, Settings } from './settings.ts';

/** How to reach NATS. Files are named and not copied: they are read again for each connection, so they can be changed. */
export interface NatsConfig {
  /** `host:port`, without credentials. */
  readonly servers: readonly string[];
  /** Undefined: TLS is used where the server asks for it. */
  readonly tls: NatsTlsConfig | undefined;
  readonly login: NatsLogin;
}

/** Paths of PEM files. */
export interface NatsTlsConfig {
  readonly caFile: string | undefined;
  readonly client: { readonly certFile: string; readonly keyFile: string } | undefined;
}

export type NatsLogin =
  | { readonly type: 'none' }
  | { readonly type: 'password'; readonly user: string; readonly password: Secret }
  | { readonly type: 'token'; readonly token: Secret }
  /** Reads the text of a `.creds` file, as it is now. */
  | { readonly type: 'creds'; readonly read: () => Secret }
  /** Reads the seed in a file, as it is now. */
  | { readonly type: 'nkey'; readonly read: () => Secret };

const ALLOWED =
  'a comma list of nats://[user:password@]host[:port] or tls://…, with one login for all (values are not shown here)';
const DEFAULT_PORT = '4222';

/**
 * `NATS_URL`, several by commas, credentials inside as Kubeless has them; or `NATS_CREDS` or `NATS_NKEY`, which name
 * files. Undefined without a URL.
 */
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
    tls: tls(
      valid.some((url) => url.protocol === 'tls:'),
      settings,
      merged,
    ),
    login: login(valid, settings, merged),
  };
}

function tls(isAsked: boolean, settings: Settings, merged: Merged): NatsTlsConfig | undefined {
  const { natsCaCerts: caFile, natsCert: certFile, natsKey: keyFile } = settings;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new TrigateError('INVALID_CONFIG', 'NATS_CERT and NATS_KEY belong together: set both of them, or neither.');
  }
  if (!isAsked && caFile === undefined && certFile === undefined) return undefined;
  // Read once, only to say at the start what is wrong with a path.
  if (caFile !== undefined) readNamedFile(merged, 'natsCaCerts', caFile);
  if (certFile !== undefined) readNamedFile(merged, 'natsCert', certFile);
  if (keyFile !== undefined) readNamedFile(merged, 'natsKey', keyFile);
  return { caFile, client: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile } };
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
  const ways = [
    ...(withLogin === undefined ? [] : ['NATS_URL (its credentials)']),
    ...(settings.natsCreds === undefined ? [] : ['NATS_CREDS']),
    ...(settings.natsNkey === undefined ? [] : ['NATS_NKEY']),
  ];
  if (ways.length > 1) {
    throw new TrigateError('INVALID_CONFIG', `${ways.join(' and ')} are set, and each is a login; keep one of them.`);
  }
  if (settings.natsCreds !== undefined)
    return { type: 'creds', read: secretReader(merged, 'natsCreds', settings.natsCreds) };
  if (settings.natsNkey !== undefined)
    return { type: 'nkey', read: secretReader(merged, 'natsNkey', settings.natsNkey) };
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

const secretReader = (merged: Merged, name: SettingName, path: string): (() => Secret) =>
  rereading(() => readSecretFile(merged, name, path));
