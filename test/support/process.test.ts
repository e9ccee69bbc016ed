import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { startProcess } from './process.ts';

const node = (script: string) => startProcess(process.execPath, ['-e', script], { name: 'child' });

test('output is kept, and waited for', async () => {
  const child = await node('console.log("one"); console.error("two")');
  expect(await child.line(/two/)).toBe('two');
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect([...child.lines].sort()).toEqual(['one', 'two']);
});

test('waiting for a line that never came rejects with the output when the process exits', async () => {
  const child = await node('console.log("one")');
  await expect(child.line(/two/)).rejects.toThrow(/exited before it said .*\n.*\none/);
  await child.exited;
});

test('a process that does not heed the signal is killed', async () => {
  const child = await node('process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log("up")');
  await child.line(/up/);
  expect(await child.stop('SIGTERM', 50)).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a child does not outlive its parent, even when that is killed', async () => {
  const module = JSON.stringify(new URL('./process.ts', import.meta.url).href);
  const parent = await node(`
    import(${module}).then(async ({ startProcess }) => {
      const child = await startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { name: 'grandchild' });
      console.log('pid ' + child.pid);
    });`);
  const pid = Number((await parent.line(/^pid/)).slice(4));
  await parent.stop('SIGKILL', 0);
  await eventually('the grandchild is gone', () => !isAlive(pid));
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
