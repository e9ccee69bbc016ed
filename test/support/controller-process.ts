import { join } from 'node:path';
import { type Ledger, parseLedger } from './checker.ts';
import { eventually } from './eventually.ts';
import { cleanEnvironment } from './gateway.ts';
import { freePort } from './port.ts';
import { type Running, startProcess } from './process.ts';

const BINARY = join(import.meta.dirname, '../../bin/trigate.js');

/** `trigate controller …` in a process of its own. */
export interface ControllerProcess extends AsyncDisposable {
  readonly url: string;
  readonly process: Running;
  isReady(): Promise<boolean>;
  ledger(): Promise<Ledger>;
  /** As Kubernetes does it. Rejects with all output unless it ends by itself, with exit code 0. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a controller and waits until it is ready. */
export async function startController(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ControllerProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startProcess(process.execPath, [BINARY, 'controller', ...args, '--port', `${port}`], {
    name: 'controller',
    env: { ...cleanEnvironment(), ...env },
  });
  const get = (path: string) =>
    fetch(url + path, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) });
  const isReady = async () => {
    if (child.exit() !== undefined) throw child.story('The controller exited');
    const response = await get('/readyz');
    await response.arrayBuffer();
    return response.ok;
  };
  const stop = async () => {
    if (child.exit() !== undefined) return;
    const { code } = await child.stop('SIGTERM', 30_000);
    if (code !== 0) throw child.story(`The controller stopped with exit code ${code}`);
  };
  await eventually('the controller is ready', isReady, { within: 20_000 }).catch(async (error) => {
    await child.stop('SIGKILL', 0);
    throw child.story(String(error));
  });
  return {
    url,
    process: child,
    isReady,
    ledger: async () => parseLedger(await (await get('/v1/ledger')).json()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
