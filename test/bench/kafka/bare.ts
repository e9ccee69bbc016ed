import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestTopic } from '../../support/kafka.ts';
import type { BareCaller } from '../bare-calls.ts';

export interface BareLoopOptions {
  readonly brokers: readonly string[];
  readonly topic: TestTopic;
  readonly url: string;
  /** Calls for each event. */
  readonly functions: number;
  readonly caller: BareCaller;
}

/** Starts `bare-loop.ts`, or another one, in a process of its own, in a new group. It reads from the beginning of the topic. */
export async function startBareLoop(
  options: BareLoopOptions,
  program: 'bare-loop' | 'coalesced-loop' = 'bare-loop',
): Promise<{ readonly pid: number; stop(): void }> {
  const { brokers, topic, url, functions, caller } = options;
  const file = join(import.meta.dirname, `${program}.ts`);
  const args = [file, brokers.join(','), topic.name, url, randomUUID(), String(functions), caller];
  const loop = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  loop.once('exit', (code) => {
    if (code !== 0) throw new Error(`${program} has ended with ${code}`);
  });
  await createInterface(loop.stdout)[Symbol.asyncIterator]().next();
  loop.stdin.write('\n');
  return { pid: loop.pid ?? 0, stop: () => loop.stdin.end() };
}
