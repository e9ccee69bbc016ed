import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cacheRoot = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trigate');

/**
 * The folder of a service that is built once per version. It is built beside its place and renamed into it, so that a
 * folder which exists is whole; of two builds that race the first one stays.
 */
export async function cached(name: string, version: string, build: (into: string) => Promise<void>): Promise<string> {
  const place = join(cacheRoot(), `${name}-${version}`);
  if (existsSync(place)) return place;
  await mkdir(cacheRoot(), { recursive: true });
  const building = await mkdtemp(`${place}.building-`);
  try {
    await build(building);
    await rename(building, place).catch((error) => {
      if (!existsSync(place)) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return place;
}

/** The version that a build file pins; the pattern's first group. */
export async function pinned(buildFile: string, pattern: RegExp): Promise<string> {
  const version = pattern.exec(await readFile(buildFile, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${buildFile} pins no version that matches ${pattern}`);
  return version;
}

export interface Tool {
  readonly command: string;
  /** What to install when the command is missing: one sentence. */
  readonly install: string;
}

/** Runs a build tool to its end. Rejects with its output, or with what to install when it is missing. */
export async function run(
  tool: Tool,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
) {
  const child = spawn(tool.command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(1_800_000),
    ...options,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  try {
    await once(child, 'close');
  } catch (error) {
    throw missing(tool, error);
  }
  if (child.exitCode !== 0) throw new Error(`${tool.command} ${args.join(' ')} failed. ${tool.install}\n${output}`);
}

/** The error for a command that is not there. */
export function missing(tool: Tool, error: unknown): Error {
  const notFound = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  const sentence = notFound
    ? `The tests need ${tool.command}, which is not installed.`
    : `${tool.command} did not start.`;
  return new Error(`${sentence} ${tool.install}`, { cause: error });
}
