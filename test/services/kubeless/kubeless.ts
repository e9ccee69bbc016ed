import { join } from 'node:path';
import { cached, pinned, run } from '../cache.ts';

const MODULE = import.meta.dirname;

/**
 * Path of the original `kubeless` command: the one that `KUBELESS_BIN` names, or one that is built once from the Go
 * module beside this file.
 */
export async function kubelessBinary(): Promise<string> {
  if (process.env.KUBELESS_BIN) return process.env.KUBELESS_BIN;
  const version = await pinned(join(MODULE, 'go.mod'), /kubeless\/kubeless v(\S+)/);
  const ldflags = `-s -w -X github.com/kubeless/kubeless/pkg/version.Version=v${version}`;
  const folder = await cached('kubeless', version, (into) =>
    run(
      {
        command: 'go',
        install: 'Install Go 1.24 or later (https://go.dev/dl/), or set KUBELESS_BIN to a kubeless 1.0.8.',
      },
      [
        'build',
        '-trimpath',
        '-ldflags',
        ldflags,
        '-o',
        join(into, 'kubeless'),
        'github.com/kubeless/kubeless/cmd/kubeless',
      ],
      { cwd: MODULE },
    ),
  );
  return join(folder, 'kubeless');
}
