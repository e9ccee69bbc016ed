import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Key and certificate in one file. */
  readonly both: string;
}

/** Signs certificates, each for 127.0.0.1 and any name. */
export interface Authority {
  /** Path of its own certificate. */
  readonly cert: string;
  issue(name: string): Promise<Certificate>;
}

export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key.pem`)];
  await openssl('openssl', ['req', '-x509', ...KEY, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`]);
  return {
    cert,
    async issue(subject) {
      const path = (kind: string) => join(folder, `${name}-${subject}.${kind}.pem`);
      const own = { cert: path('cert'), key: path('key'), both: path('both') };
      const signed = ['-CA', cert, '-CAkey', key, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
      await openssl('openssl', [
        ...['req', '-x509', ...KEY, ...signed, '-subj', `/CN=${subject}`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', own.key, '-out', own.cert],
      ]);
      await writeFile(own.both, (await readFile(own.key, 'utf8')) + (await readFile(own.cert, 'utf8')));
      return own;
    },
  };
}
