import { join } from 'node:path';
import { cached, pinned, run } from '../cache.ts';

const MODULE = import.meta.dirname;

/** Path of a real Helm 4: the one that `HELM_BIN` names, or one that is built once from the Go module beside this file. */
export async function helmBinary(): Promise<string> {
  if (process.env.HELM_BIN) return process.env.HELM_BIN;
  const version = await pinned(join(MODULE, 'go.mod'), /helm\.sh\/helm\/v4 v(\S+)/);
  const folder = await cached('helm', version, (into) =>
    run(
      { command: 'go', install: 'Install Go 1.26 or later (https://go.dev/dl/), or set HELM_BIN to a Helm 4.' },
      ['install', '-trimpath', '-ldflags', '-s -w', 'tool'],
      { cwd: MODULE, env: { ...process.env, GOBIN: into } },
    ),
  );
  return join(folder, 'helm');
}
