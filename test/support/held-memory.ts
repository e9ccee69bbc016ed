import type { Running } from './process.ts';

// What a process holds, apart from garbage that waits to be collected: the growth of a process is mostly that, and is
// another in each run. Loaded into the process by itself: node --expose-gc --import .../held-memory.ts program

/** Options of Node.js for a process that `heldMemory` can ask. */
export const HELD_MEMORY = ['--expose-gc', '--import', import.meta.url] as const;

/** Makes a process that runs with `HELD_MEMORY` collect its garbage. Resolves with what is left: bytes, in and outside of the heap. */
export async function heldMemory(running: Running): Promise<number> {
  const said = () => running.lines.filter((line) => line.startsWith(PREFIX)).length;
  const nth = said() + 1;
  running.kill('SIGUSR2');
  const line = await running.line(new RegExp(`^${PREFIX}${nth} `), 30_000);
  return Number(line.split(' ').at(-1));
}

const PREFIX = 'memory held ';

/** Set where the program was started with --expose-gc. */
declare const gc: (() => void) | undefined;

if (process.execArgv.includes(import.meta.url)) {
  let asked = 0;
  process.on('SIGUSR2', () => {
    // Buffers that the first finds unused are still counted until the second.
    gc?.();
    gc?.();
    const { heapUsed, external } = process.memoryUsage();
    console.log(`${PREFIX}${++asked} ${heapUsed + external}`);
  });
}
