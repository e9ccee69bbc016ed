import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyAddress, callers } from '../../../src/delivery/call/callers.ts';
import { canConnect } from '../../../src/delivery/call/probe.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { run } from '../../services/cache.ts';
import { nginxBinary } from '../../services/nginx/nginx.ts';
import { uvicornPath } from '../../services/uvicorn/uvicorn.ts';
import { send } from '../../support/call.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/port.ts';
import { type Running, startProcess } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';

const file = (name: string) => join(import.meta.dirname, 'servers', name);

/** Servers that functions are made with, each started in a process of its own. */
const servers = {
  'Node.js': () => start(process.execPath, [file('node.ts')]),
  'Python http.server, HTTP/1.1': () => start('python3', [file('http_server.py'), 'HTTP/1.1']),
  'Python http.server, HTTP/1.0': () => start('python3', [file('http_server.py'), 'HTTP/1.0']),
  uvicorn: async () => start('python3', [file('asgi.py')], { PYTHONPATH: await uvicornPath() }),
  'Go net/http': startGo,
  nginx: startNginx,
};

const STATUSES: Readonly<Record<string, number>> = {
  '/ok': 200,
  '/empty': 204,
  '/error': 500,
  '/chunked': 200,
  '/large': 200,
  '/close': 200,
};

describe.each(Object.entries(servers))('a function on %s', (_name, launch) => {
  let server: Pick<Running, 'line' | 'stop'>;
  let url: string;

  beforeAll(async () => {
    server = await launch();
    url = `http://127.0.0.1:${(await server.line(/^port \d+$/, 60_000)).slice('port '.length)}`;
  }, 180_000);

  afterAll(() => server.stop('SIGKILL', 1_000));

  describe.each(['http1', 'undici'] as const)('called by %s', (name) => {
    test('gets each event once, and gives the answers that were given', async () => {
      const caller = callers(name, { clock: systemClock, forbids: anyAddress })(url, 8);
      const bodies: string[] = [];
      await Promise.all(
        Array.from({ length: 300 }, async (_, i) => {
          const [path, status] = Object.entries(STATUSES)[i % 6] ?? ['/ok', 200];
          const body = `${name} ${i} ${'y'.repeat((i * 997) % 40_000)}`;
          bodies.push(body);
          expect(await send(caller, body, [], path).answer).toEqual({ type: 'answered', status });
        }),
      );
      expect((await seenBy(url)).filter((body) => body.startsWith(name)).sort()).toEqual(bodies.sort());
      await caller.close();
    });

    test('loses nothing while connections become idle, and are closed by whoever is first', async () => {
      const caller = callers(name, { clock: systemClock, forbids: anyAddress })(url, 4);
      for (const pause of [0, 400, 3_000]) {
        await idle(pause);
        const answers = await Promise.all(Array.from({ length: 4 }, () => send(caller, 'idle', [], '/ok').answer));
        for (const answer of answers) expect(answer).toEqual({ type: 'answered', status: 200 });
      }
      await caller.close();
    });
  });
});

/** Lets connections stand idle on purpose: what is tested is what they meet afterwards. */
async function idle(ms: number): Promise<void> {
  const until = performance.now() + ms;
  await eventually('the pause is over', () => performance.now() >= until, { within: ms + 5_000 });
}

async function seenBy(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/seen`, { method: 'POST', body: '' });
  return (await answer.text()).split('\n');
}

function start(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Running> {
  return startProcess(command, args, { name: command, env: { ...process.env, ...env } });
}

/** In front of a function on Node.js. */
async function startNginx(): Promise<Pick<Running, 'line' | 'stop'>> {
  const behind = await servers['Node.js']();
  const folder = await tempDir('nginx');
  const port = await freePort();
  const functionPort = (await behind.line(/^port \d+$/)).slice('port '.length);
  const config = (await readFile(file('nginx.conf'), 'utf8'))
    .replaceAll('@PORT@', `${port}`)
    .replaceAll('@FUNCTION_PORT@', functionPort);
  await writeFile(join(folder.path, 'nginx.conf'), config);
  const nginx = await start(await nginxBinary(), ['-p', folder.path, '-c', 'nginx.conf', '-e', 'stderr']);
  await eventually('nginx listens', () => canConnect(new URL(`http://127.0.0.1:${port}`), anyAddress));
  return {
    line: async () => `port ${port}`,
    async stop(signal, grace) {
      const exit = await nginx.stop(signal, grace);
      await behind.stop(signal, grace);
      await folder.remove();
      return exit;
    },
  };
}

async function startGo(): Promise<Running> {
  await using folder = await tempDir('go-function');
  const binary = join(folder.path, 'function');
  await mkdir(join(folder.path, 'src'));
  await cp(file('server.go'), join(folder.path, 'src/main.go'));
  await writeFile(join(folder.path, 'src/go.mod'), 'module function\n\ngo 1.24\n');
  const go = { command: 'go', install: 'Install Go 1.24 or later.' };
  await run(go, ['build', '-o', binary, '.'], { cwd: join(folder.path, 'src') });
  return start(binary, []);
}
