import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess } from './process.ts';
import { tempDir } from './temp.ts';

const vitest = join(import.meta.dirname, '../../node_modules/vitest');

/** Runs one test file with the leak check in a vitest of its own. */
async function runTestFile(body: string): Promise<{ code: number | null; output: string }> {
  await using folder = await tempDir('leaks');
  const config = {
    resolve: { alias: { vitest } },
    test: { setupFiles: [join(import.meta.dirname, 'leaks.ts')] },
  };
  await writeFile(join(folder.path, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
  await writeFile(
    join(folder.path, 'some.test.ts'),
    `import { createServer } from 'node:net';\nimport { test } from 'vitest';\n${body}`,
  );
  const run = await startProcess(process.execPath, [join(vitest, 'vitest.mjs'), 'run', '--root', folder.path], {
    name: 'vitest',
    cwd: folder.path,
  });
  const { code } = await run.exited;
  return { code, output: run.lines.join('\n') };
}

test('a test file that leaves a server and a timer open fails and names them', async () => {
  const { code, output } = await runTestFile(`test('leaks', () => {
    createServer().listen(0);
    setInterval(() => {}, 1e6);
  });`);
  expect(output).toContain('This test file left open: 1 TCPServerWrap, 1 Timeout');
  expect(code).toBe(1);
});

test('a test file that closes what it opened passes', async () => {
  const { code, output } = await runTestFile(`test('closes', () => {
    const server = createServer().listen(0);
    server.close();
  });`);
  expect(output).not.toContain('left open');
  expect(code).toBe(0);
});
