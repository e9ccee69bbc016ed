import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGateway } from './gateway.ts';
import { type TempDir, tempDir } from './temp.ts';

let folder: TempDir;

beforeEach(async () => {
  folder = await tempDir('program');
});
afterEach(() => folder.remove());

async function program(text: string): Promise<string> {
  const file = join(folder.path, 'program.mjs');
  await writeFile(file, `import { createServer } from 'node:http';\n${text}`);
  return file;
}

const serving = (stop: string) =>
  program(`
    const port = process.argv[process.argv.indexOf('--port') + 1];
    const server = createServer((request, response) => response.end(JSON.stringify({ balanced: true, triggers: [] })));
    server.listen(port, '127.0.0.1', () => console.log('serving as ' + process.pid, process.env.KAFKA_BROKERS));
    process.on('SIGINT', () => { ${stop} });`);

test('a gateway is ready, is killed, comes back at the same address, and stops', async () => {
  process.env.KAFKA_BROKERS = 'of the developer';
  const gateway = await startGateway({ program: await serving('console.log("bye"); process.exit(0)') });
  delete process.env.KAFKA_BROKERS;
  const first = await gateway.line(/^serving as \d+ undefined/);
  await gateway.kill('SIGKILL');
  await gateway.restart();
  expect(await gateway.line(/^serving/)).not.toBe(first);
  expect(await gateway.ledger()).toEqual({ balanced: true, triggers: [] });
  await gateway.stop();
  await gateway.stop();
  expect(gateway.lines).toContain('bye');
});

test('a gateway that does not end well fails its stop, with all that it printed', async () => {
  const gateway = await startGateway({ program: await serving('console.log("trouble"); process.exit(7)') });
  await expect(gateway.stop()).rejects.toThrow(/exit code 7\n.*\n.*\ntrouble/);
});

test('a gateway that exits at its start fails at once, with all that it printed', async () => {
  const file = await program('console.error("no room"); process.exit(1);');
  await expect(startGateway({ program: file })).rejects.toThrow(/exited before it was ready\n.*\nno room/);
});

test('a gateway that is never ready is killed', async () => {
  const file = await program('setInterval(() => {}, 1e6);');
  await expect(startGateway({ program: file, readyWithin: 100 })).rejects.toThrow('not ready within 100 ms');
});
