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
  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    tls: { ca: authority(join(folder, 'ca.crt')) },
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

const why = (thrown: unknown): string => asError(thrown).message;
