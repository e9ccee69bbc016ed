import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, run } from '../cache.ts';

const apt = { command: 'apt-get', install: 'Install nginx, or set NGINX_BIN to one.' };
const dpkg = { command: 'dpkg-deb', install: apt.install };
const installed = ['/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'];

/**
 * Path of a real nginx: the one that `NGINX_BIN` names, one that is installed, or the one of Debian's package, unpacked
 * only: installing it would start a server on port 80.
 */
export async function nginxBinary(): Promise<string> {
  if (process.env.NGINX_BIN) return process.env.NGINX_BIN;
  const found = installed.find((path) => existsSync(path));
  if (found !== undefined) return found;
  const folder = await cached('nginx', 'debian', async (into) => {
    await run(apt, ['download', 'nginx'], { cwd: into });
    for (const file of await readdir(into)) await run(dpkg, ['--extract', file, '.'], { cwd: into });
  });
  return join(folder, 'usr/sbin/nginx');
}
