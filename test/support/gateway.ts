import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { testCaller } from './caller.ts';
import { type Ledger, parseLedger } from './checker.ts';
import { freePort } from './port.ts';
import { type Exit, type Running, startProcess } from './process.ts';
import { tempDir } from './temp.ts';

const BINARY = join(import.meta.dirname, '../../bin/trigate.js');

export interface GatewayOptions {
  /** The program file. Default: `bin/trigate.js`. */
  readonly program?: string;
  /** Objects that are written as YAML into a folder of their own and applied with `-f`. */
  readonly manifests?: readonly object[];
  /** Folders that are applied with `-f`. */
  readonly folders?: readonly string[];
  readonly args?: readonly string[];
  /** Laid over this process's environment, from which what configures a gateway has been taken out. */
  readonly env?: Readonly<Record<string, string>>;
  /** ms until it must say yes. Default: 20,000. */
  readonly readyWithin?: number;
  /** What has to say yes. Default: `/readyz`; where a broker is away, `/livez`. */
  readonly probe?: '/readyz' | '/livez';
}

/** A gateway as its users run it: `trigate serve` in a process of its own, with a data directory of its own. */
export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number;
  readonly dataDir: string;
  /** The folder of `manifests`: what is written there is followed live. */
  readonly manifestDir: string;
  /** What it printed since its last start. */
  readonly lines: readonly string[];
  /** Resolves with the first printed or coming line that matches. */
  line(pattern: RegExp, within?: number): Promise<string>;
  get(path: string): Promise<unknown>;
  ledger(): Promise<Ledger>;
  /** Sends a signal; SIGKILL also waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Resolves with its end. */
  exited(): Promise<Exit>;
  /** Starts it again, after its end, on the same port and data; resolves when it is ready. */
  restart(): Promise<void>;
  /** Ctrl-C: rejects with all output unless it ends by itself, with exit code 0, within 30 s. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a gateway and waits until it is ready. Rejects with all that it printed when it is not in time. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const folder = await tempDir('gateway');
  const dataDir = join(folder.path, 'data');
  const manifestDir = join(folder.path, 'manifests');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['serve', '--port', `${port}`, '--data-dir', dataDir, '-f', manifestDir];
  for (const other of options.folders ?? []) args.push('-f', other);
  args.push(...(options.args ?? []));

  await mkdir(manifestDir);
  for (const [i, object] of (options.manifests ?? []).entries()) {
    await writeFile(join(manifestDir, `${i}.yaml`), stringify(object));
  }

  const launch = async (): Promise<Running> => {
    const started = await startProcess(process.execPath, [options.program ?? BINARY, ...args], {
      name: 'trigate',
      cwd: folder.path,
      env: { ...cleanEnvironment(), TRIGATE_CALLER: testCaller, ...options.env },
    });
    await untilReady(started, url + (options.probe ?? '/readyz'), options.readyWithin ?? 20_000);
    return started;
  };

  let gateway = await launch().catch(async (error) => {
    await folder.remove();
    throw error;
  });
  const stop = async () => {
    const exit = gateway.exit() === undefined ? await gateway.stop('SIGINT', 30_000) : undefined;
    await folder.remove();
    if (exit !== undefined) assertCleanExit(gateway, exit);
  };

  return {
    url,
    get pid() {
      return gateway.pid;
    },
    dataDir,
    manifestDir,
    get lines() {
      return gateway.lines;
    },
    line: (pattern, within) => gateway.line(pattern, within),
    get: (path) => getJson(gateway, url + path),
    ledger: async () => parseLedger(await getJson(gateway, `${url}/v1/ledger`)),
    async kill(signal) {
      gateway.kill(signal);
      if (signal === 'SIGKILL') await gateway.exited;
    },
    exited: () => gateway.exited,
    async restart() {
      await gateway.exited;
      gateway = await launch();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function assertCleanExit(gateway: Running, { code, signal }: Exit): void {
  if (code === 0) return;
  throw gateway.story(
    signal === 'SIGKILL'
      ? 'The gateway did not stop within 30 s of SIGINT'
      : `The gateway stopped with exit code ${code}`,
  );
}

/** A developer's own settings must not reach the tests. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(KAFKA_|NATS_|KUBELESS_|KUBERNETES_|TRIGATE_|KUBECONFIG$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

async function untilReady(gateway: Running, url: string, within: number): Promise<void> {
  const deadline = performance.now() + within;
  for (;;) {
    if (gateway.exit() !== undefined) throw gateway.story('The gateway exited before it was ready');
    if (await answersReady(url)) return;
    if (performance.now() > deadline) {
      await gateway.stop('SIGKILL', 0);
      throw gateway.story(`The gateway was not ready within ${within} ms`);
    }
    await pause(25);
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, once(2_000));
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function getJson(gateway: Running, url: string): Promise<unknown> {
  const response = await fetch(url, once(10_000));
  const body = await response.text();
  if (!response.ok) throw gateway.story(`GET ${url} answered ${response.status}: ${body}`);
  return JSON.parse(body);
}

/** No connection outlives its request: a gateway that stops waits for none of ours. */
const once = (within: number): RequestInit => ({
  headers: { connection: 'close' },
  signal: AbortSignal.timeout(within),
});
