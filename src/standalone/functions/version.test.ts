import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { type TempDir, tempDir } from '../../../test/support/temp.ts';
import { codeFolder } from './code-folder.ts';
import type { RunPlan } from './plan.ts';
import { createPorts, type Ports } from './ports.ts';
import { keepRunning, type Version, type VersionContext } from './version.ts';

// Each starts processes.
vi.setConfig({ testTimeout: 60_000 });

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('versions');
});
afterAll(() => dir.remove());

const plan = (code: string): RunPlan => ({
  type: 'run',
  version: 'one',
  language: 'nodejs',
  runtime: 'nodejs24',
  module: 'f',
  handler: 'f',
  code: Buffer.from(code),
  timeoutMs: 1_000,
  environment: {},
  memoryLimit: '0',
});

function context(clock: ManualClock, name: string, ports: Ports = createPorts()): VersionContext & { lines: string[] } {
  const lines: string[] = [];
  return {
    namespace: 'default',
    name,
    folder: codeFolder(`${dir.path}/${name}`),
    ports,
    environment: { PATH: process.env.PATH ?? '' },
    maxBodyBytes: 1_000,
    clock,
    random: () => 1,
    onLine: (line) => lines.push(line),
    lines,
  };
}

const isDown = (version: Version) => eventually('it is down', () => version.state().type === 'down');
const started = (lines: string[]) => lines.filter((line) => line === 'started').length;

test('a process that dies at once is started again after pauses that grow', async () => {
  const clock = new ManualClock();
  const ours = context(clock, 'looping');
  let ends = 0;
  const version = keepRunning(plan('console.log("started"); process.exit(3);'), ours, () => {
    ends++; // it never becomes anything else
  });
  for (const [lives, pause] of [250, 500, 1_000].entries()) {
    await eventually('it has ended, and waits', () => ends === lives + 1);
    expect(started(ours.lines)).toBe(ends);
    expect(version.state()).toEqual({ type: 'down', reason: 'StartFailed', message: 'It ended with exit code 3.' });
    clock.advance(pause - 1);
    expect(clock.pending).toBe(1);
    clock.advance(1);
  }
  await version.stop(clock.monotonic());
  expect(clock.pending).toBe(0);
});

test('a process that does not get ready is killed after 30 s', async () => {
  const clock = new ManualClock();
  const ours = context(clock, 'hanging');
  const version = keepRunning(plan('console.log("started"); for (;;) {}'), ours, () => {});
  await eventually('it has begun', () => started(ours.lines) === 1);
  clock.advance(30_000);
  await isDown(version);
  expect(version.state()).toMatchObject({ reason: 'StartTimeout', message: 'It did not answer within 30 s.' });
  await version.stop(clock.monotonic());
});

test('a process that does not leave when asked is killed at the deadline, with all that it started', async () => {
  const clock = new ManualClock();
  const ours = context(clock, 'stubborn');
  const code = `
    import { spawn } from 'node:child_process';
    console.log(spawn('sleep', ['600']).pid);
    export async function f() { console.log('called'); await new Promise(() => {}); }`;
  const version = keepRunning(plan(code), ours, () => {});
  const url = await eventually('it answers', () => {
    const state = version.state();
    return state.type === 'ready' && state.url;
  });
  const answer = fetch(url).catch(() => 'cut off');
  await eventually('it is called', () => ours.lines.includes('called'));
  const stopped = version.stop(clock.monotonic() + 5_000);
  clock.advance(5_000);
  await stopped;
  expect(await answer).toBe('cut off');
  const [grandchild] = ours.lines;
  await eventually('what it started is gone', () => !isRunning(Number(grandchild)));
});

test('a port that was another function’s is not used', async () => {
  const clock = new ManualClock();
  const ports: Ports = { claim: () => false };
  const ours = context(clock, 'moved', ports);
  const version = keepRunning(plan('export const f = () => 1;'), ours, () => {});
  await isDown(version);
  expect(version.state()).toMatchObject({ message: expect.stringMatching(/^It got the port \d+, which was another/) });
  await version.stop(clock.monotonic());
});

test('a port belongs to the first function that had it', () => {
  const ports = createPorts();
  expect(ports.claim(1, 'default/a')).toBe(true);
  expect(ports.claim(1, 'other/a')).toBe(false);
  expect(ports.claim(1, 'default/a')).toBe(true);
});

/** Not a zombie that nobody has taken notice of, either. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z\s]/.test(stdout);
}
