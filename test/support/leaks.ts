import { afterAll } from 'vitest';
import { eventually } from './eventually.ts';

// A setup file of vitest: it runs before each test file, and its afterAll after all hooks of the file.

/** What a test file can leave behind. Requests of the file system and the runner's own messages come and go. */
const WATCHED = /Socket|Server|Pipe|TCP|UDP|TTY|Process|Timeout|FSEvent|StatWatcher|Signal|TLS|HTTP|Worker/;

const before = census();

afterAll(async () => {
  // A socket that has been closed properly may take a few turns of the loop to go away.
  await eventually('nothing is left', () => leaked().length === 0, { within: 2_000, every: 10 }).catch(() => {
    const what = leaked().join(', ');
    if (what === '') return;
    throw new Error(
      `This test file left open: ${what}. Close it in the test that opened it ` +
        '(vitest run --detect-async-leaks <file> shows where it was opened).',
    );
  });
}, 10_000);

function census(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (WATCHED.test(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

function leaked(): string[] {
  const now = census();
  return [...now]
    .map(([type, count]) => ({ type, more: count - (before.get(type) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ type, more }) => `${more} ${type}`);
}
