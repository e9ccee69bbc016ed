import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../src/domain/clock.ts';
import { tempDir } from '../support/temp.ts';
import { openLogIn, RecordingOwner } from '../support/topic-log.ts';

// Prints what publishing, reading, claiming and settling cost in the embedded log. Usage: node test/bench/log.ts [EVENTS]

const EVENTS = Number(process.argv[2] ?? 102_400);
const BATCH = 512;
const data = new Uint8Array(200).fill(120);

await using dir = await tempDir('bench');
const log = openLogIn(dir.path);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

async function measure(what: string, run: () => Promise<void>): Promise<void> {
  const started = systemClock.monotonic();
  delay.reset();
  await run();
  const ms = systemClock.monotonic() - started;
  const perEvent = ((ms * 1_000) / EVENTS).toFixed(2);
  const longest = (delay.max / 1e6).toFixed(1);
  console.log(
    `${what.padEnd(34)} ${perEvent.padStart(7)} us/event ${Math.round((EVENTS * 1_000) / ms).toLocaleString('en')} events/s, event loop held up at most ${longest} ms`,
  );
}

await measure(`publish, ${BATCH} at a time`, async () => {
  for (let i = 0; i < EVENTS; i += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, () => log.publish('bench', { data, headers: {} })));
  }
});

const group = log.openGroup(
  { name: 'bench', pattern: 'bench', startFrom: 'earliest', functions: ['f'] },
  new RecordingOwner(),
);
const limit = { count: BATCH, bytes: 2 ** 22, dataBytes: 2 ** 20 };
const batches: number[][] = [];

await measure('read', async () => {
  for (let cursor = 0; cursor < EVENTS; ) {
    const batch = group.read(cursor, limit);
    cursor = batch.through;
    batches.push(batch.events.map(({ seq }) => seq));
    await nextTurn();
  }
});

await measure(`claim ${BATCH}, settle the ${BATCH} before`, async () => {
  let before: number[] = [];
  for (const seqs of batches) {
    for (const seq of before) group.settle(seq);
    await group.claim(seqs, seqs.at(-1) ?? 0);
    before = seqs;
  }
});

await log.close();
delay.disable();
