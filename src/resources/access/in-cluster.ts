import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { Access } from './access.ts';

/** Where the kubelet puts the service account of a pod. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface InClusterOptions {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly host: string;
  readonly port: string;
  /** Default: the `token` of the service account. */
  readonly tokenFile?: string | undefined;
  /** Default: `SERVICE_ACCOUNT`. */
  readonly folder?: string;
}

/**
 * As the service account of this pod. The token is read anew for each request, of which there are few: the kubelet
 * replaces it before it runs out (KEP-1205).
 *
 * @throws TrigateError INVALID_CONFIG when the authority of the cluster cannot be read
 */
export function inClusterAccess({ host, port, tokenFile, folder = SERVICE_ACCOUNT }: InClusterOptions): Access {
  const file = tokenFile ?? join(folder, 'token');
  let ca = authority(join(folder, 'ca.crt'));
  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: namespaceIn(join(folder, 'namespace')),
    proxy: undefined,
    async tls() {
      // While it is being replaced it may be gone for a moment: then it is what it was.
      ca = await readFile(join(folder, 'ca.crt'), 'utf8').catch(() => ca);
      return { ca };
    },
    async headers() {
      const token = await readFile(file, 'utf8').catch((error) => {
        throw new TrigateError('UNAUTHORIZED', `The token of the service account cannot be read: ${why(error)}.`);
      });
      return { authorization: `Bearer ${token.trim()}` };
    },
  };
}

function authority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const text = `The certificate authority of the cluster cannot be read: ${why(error)}.`;
    throw new TrigateError('INVALID_CONFIG', text);
  }
}

function namespaceIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    // A token that is mounted by hand may come without one.
    return undefined;
  }
}

const why = (thrown: unknown): string => asError(thrown).message;
