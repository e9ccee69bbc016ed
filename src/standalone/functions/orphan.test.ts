import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { startProcess } from '../../../test/support/process.ts';
import { type TempDir, tempDir } from '../../../test/support/temp.ts';
import { answersHealthz } from './probe.ts';

// Each starts processes.
vi.setConfig({ testTimeout: 60_000 });

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('orphans');
});
afterAll(() => dir.remove());

/** A gateway reduced to one function: prints the function's port, then runs for ever. */
const gateway = (runtime: string, code: string) => `
  import { systemClock } from '${new URL('../../domain/clock.ts', import.meta.url)}';
  import { codeFolder } from '${new URL('./code-folder.ts', import.meta.url)}';
  import { startInstance } from '${new URL('./instance.ts', import.meta.url)}';
  import { launch } from '${new URL('./launch.ts', import.meta.url)}';
  import { planFunction } from '${new URL('./plan.ts', import.meta.url)}';
  const spec = { runtime: '${runtime}', handler: 'f.f', function: ${JSON.stringify(code)} };
  const plan = planFunction({ metadata: { name: 'f' }, spec });
  const file = await codeFolder(${JSON.stringify(dir.path)}).write(plan);
  const options = { functionName: 'f', file, port: 0, maxBodyBytes: 1_000, environment: { PATH: process.env.PATH } };
  const instance = startInstance(launch(plan, options), systemClock, console.log);
  console.log('port', await instance.ready);
`;

test.each([
  ['nodejs24', 'exports.f = () => {};'],
  ['python3', 'def f(event, context): pass'],
])('a function (%s) ends by itself when the gateway is killed', async (runtime, code) => {
  const script = gateway(runtime, code);
  const running = await startProcess(process.execPath, ['--input-type=module', '-e', script], { name: 'gateway' });
  try {
    const port = Number((await running.line(/^port \d+$/)).split(' ')[1]);
    expect(await answersHealthz(port)).toBe(true);
    running.kill('SIGKILL');
    await running.exited;
    await eventually('nothing answers', async () => !(await answersHealthz(port)));
  } finally {
    await running.stop('SIGKILL', 0);
  }
});
