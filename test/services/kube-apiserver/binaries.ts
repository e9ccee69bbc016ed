import { join } from 'node:path';
import { cached, pinned, run, type Tool } from '../cache.ts';

const MODULE = import.meta.dirname;

const go: Tool = {
  command: 'go',
  install:
    'Install Go 1.24 or later (https://go.dev/dl/), or set KUBEBUILDER_ASSETS to a folder with a kube-apiserver 1.34 and an etcd 3.6.',
};

export interface Binaries {
  readonly apiServer: string;
  readonly etcd: string;
}

/** kube-apiserver and etcd: those in the folder `KUBEBUILDER_ASSETS`, or built once from the Go module beside this file. */
export async function kubeBinaries(): Promise<Binaries> {
  const folder = process.env.KUBEBUILDER_ASSETS || (await built());
  return { apiServer: join(folder, 'kube-apiserver'), etcd: join(folder, 'etcd') };
}

async function built(): Promise<string> {
  const version = await pinned(join(MODULE, 'go.mod'), /k8s\.io\/kubernetes v(\S+)/);
  return cached('kube-apiserver', version, async (into) => {
    const build = (name: string, path: string, flags: string) =>
      run(go, ['build', '-trimpath', '-ldflags', flags, '-o', join(into, name), path], { cwd: MODULE });
    await build('kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver', linkerFlags(version));
    await build('etcd', 'go.etcd.io/etcd/server/v3', '-s -w');
  });
}

/** Without these the server calls itself v0.0.0 and clients do not know what it can do. */
function linkerFlags(version: string): string {
  const [major, minor] = version.split('.');
  const linked = Object.entries({ gitVersion: `v${version}`, gitMajor: major, gitMinor: minor });
  return ['-s', '-w', ...linked.map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)].join(' ');
}
