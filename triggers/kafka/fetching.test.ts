import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What else it does: at first, and before the last fetch ends. */
interface Script {
  readonly first?: string;
  readonly last?: string;
}

/** Prints `stopped` when a consumer has stopped that was told to in the moment in which its brokers change. */
const program = ({ first = '', last = '' }: Script) => `
import { createRequire } from 'node:module';
${first}
const require = createRequire(${JSON.stringify(import.meta.filename)});
const Runner = require('kafkajs/src/consumer/runner');
const logger = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => logger };
let nodes = ['1', '2'];
const fetches = {};
const consumerGroup = {
  getNodeIds: () => nodes,
  connect: async () => {},
  joinAndSync: async () => {},
  heartbeat: async () => {},
  leave: async () => {},
  fetch: (nodeId) => new Promise((resolve) => { fetches[nodeId] = () => resolve([]); }),
};
const runner = new Runner({ logger, consumerGroup, instrumentationEmitter: { emit() {} }, concurrency: 1, onCrash: console.error });
const turn = () => new Promise(setImmediate);
await runner.start();
await turn();
// A broker comes; the fetch from the first one ends, and that from the second is waited for.
nodes = ['1', '2', '3'];
fetches[1]();
await turn();
const stopped = runner.stop();
await turn();
${last}
fetches[2]();
await stopped;
console.log('stopped');
`;

/** @param within milliseconds */
async function run(
  script: Script,
  within: number,
): Promise<{ readonly output: string; readonly signal: string | null }> {
  const args = ['--input-type=module', '--eval', program(script)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: within,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [, signal] = await once(child, 'close');
  return { output, signal };
}

test('a consumer that is stopped while its brokers change stops', async () => {
  const fetching = JSON.stringify(join(import.meta.dirname, 'fetching.ts'));
  const first = `import { patchFetching } from ${fetching}; patchFetching();`;
  expect(await run({ first }, 30_000)).toEqual({
    output: 'stopped\n',
    signal: null,
  });
}, 40_000);

test('kafkajs by itself never does, and no timer runs any more', async () => {
  const last = `setTimeout(() => console.log('a timer ran'), 500);`;
  expect(await run({ last }, 4_000)).toEqual({ output: '', signal: 'SIGKILL' });
});
