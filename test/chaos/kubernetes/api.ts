import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { servedTypes } from '../../../src/cli/served-types.ts';
import { createKubernetesKind } from '../../../triggers/kubernetes/index.ts';
import { startKubeApi } from '../../services/kube-apiserver/start.ts';
import { installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';
import type { ApiAccess } from '../../support/cron-controller.ts';
import { freePort } from '../../support/port.ts';
import { startResourceApi } from '../../support/resource-api.ts';
import { tempDir } from '../../support/temp.ts';

/** An API server that can be hurt. */
export interface ChaosApi extends AsyncDisposable {
  readonly access: ApiAccess;
  /** Ends it without a word and starts it again. */
  restart(): Promise<void>;
  /** What happened until now is forgotten: a watch from before it gets 410. */
  forget(): Promise<void>;
}

/** The embedded API, with its objects in a file. */
export async function embeddedApi(): Promise<ChaosApi> {
  const folder = await tempDir('watch-chaos');
  const path = join(folder.path, 'objects.db');
  const port = await freePort();
  const types = servedTypes([createKubernetesKind({ home: never, alone: true })]);
  const start = () => startResourceApi(types, { path, port });
  let api = await start();
  return {
    access: { url: api.url },
    async restart() {
      await api[Symbol.asyncDispose]();
      api = await start();
    },
    async forget() {
      await api[Symbol.asyncDispose]();
      const db = new DatabaseSync(path);
      db.exec('DELETE FROM object_changes');
      db.close();
      api = await start();
    },
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await folder.remove();
    },
  };
}

/** A kube-apiserver and its etcd. */
export async function clusterApi(): Promise<ChaosApi> {
  const api = await startKubeApi();
  await installCrds(api, (await command(['crds'])).stdout);
  const { url, ca, token } = api;
  return {
    access: { url, ca, token },
    restart: () => api.restart(),
    async forget() {
      await api.compact();
      await api.restart();
    },
    [Symbol.asyncDispose]: () => api.stop(),
  };
}

const never = (): never => {
  throw new Error('this kind only says what its types are');
};
