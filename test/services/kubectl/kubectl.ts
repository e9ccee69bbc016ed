import { join } from 'node:path';
import { cached, pinned, run } from '../cache.ts';

const MODULE = import.meta.dirname;
const VERSION = /k8s\.io\/kubernetes v(\S+)/;

/** Path of a real kubectl: the one that `KUBECTL_BIN` names, or one that is built once from the Go module beside this file. */
export async function kubectlBinary(): Promise<string> {
  if (process.env.KUBECTL_BIN) return process.env.KUBECTL_BIN;
  const version = await pinned(join(MODULE, 'go.mod'), VERSION);
  const [major, minor] = version.split('.');
  const versionPackage = 'k8s.io/component-base/version';
  const linked = Object.entries({ gitVersion: `v${version}`, gitMajor: major, gitMinor: minor });
  const ldflags = ['-s', '-w', ...linked.map(([name, value]) => `-X ${versionPackage}.${name}=${value}`)].join(' ');
  const folder = await cached('kubectl', version, (into) =>
    run(
      {
        command: 'go',
        install: 'Install Go 1.24 or later (https://go.dev/dl/), or set KUBECTL_BIN to a kubectl 1.34.',
      },
      ['build', '-trimpath', '-ldflags', ldflags, '-o', join(into, 'kubectl'), 'k8s.io/kubernetes/cmd/kubectl'],
      { cwd: MODULE },
    ),
  );
  return join(folder, 'kubectl');
}
