import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isBalanced, noCounts } from '../../../src/domain/ledger.ts';
import { startProcess } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { openLogIn, RecordingOwner } from '../../support/topic-log.ts';

const claimer = fileURLToPath(new URL('claimer.ts', import.meta.url));
const start = (folder: string) => startProcess(process.execPath, [claimer, folder], { name: 'claimer' });
const request = { name: 'g', pattern: 't', startFrom: 'earliest' as const, functions: ['f'] };

describe('a data directory', () => {
  it('has one gateway at a time, and is free the moment that one is killed', async () => {
    await using dir = await tempDir();
    const child = await start(dir.path);
    await child.line(/^claimed/);
    expect(() => openLogIn(dir.path)).toThrow(
      expect.objectContaining({ code: 'DATA_DIR_IN_USE', message: expect.stringContaining(dir.path) }),
    );
    await child.stop('SIGKILL', 1_000);
    await openLogIn(dir.path).close();
  });

  it('is refused to a second opener of the same process too', async () => {
    await using dir = await tempDir();
    const log = openLogIn(dir.path);
    expect(() => openLogIn(dir.path)).toThrow(expect.objectContaining({ code: 'DATA_DIR_IN_USE' }));
    await log.close();
    await openLogIn(dir.path).close();
  });
});

describe('a group whose owner is killed', () => {
  it('never claims an event twice, names what is in doubt, and stays balanced', async () => {
    await using dir = await tempDir();
    const claimed = new Set<string>();
    for (let kill = 0; kill < 5; kill++) {
      const child = await start(dir.path);
      await child.line(new RegExp(`^claimed ${1 + 7 * kill}:`));
      await child.stop('SIGKILL', 1_000);
      const seqs = child.lines.flatMap((line) => /^claimed \d+: (.+)$/.exec(line)?.[1]?.split(' ') ?? []);
      for (const seq of seqs) {
        expect(claimed.has(seq), `${seq} was claimed before`).toBe(false);
        claimed.add(seq);
      }
    }

    const log = openLogIn(dir.path);
    const { position, predecessor } = log.openGroup(request, new RecordingOwner());
    const counts = predecessor.counts.get('f') ?? noCounts();
    expect(counts.unknown.crash).toBeGreaterThan(0);
    expect(predecessor.inDoubt.length).toBeGreaterThan(0);
    expect(isBalanced(counts, predecessor.inDoubt.length)).toBe(true);
    expect(counts.claimed).toBe(position);
    // A claim that was stored and not said aloud before the kill is the most that can be missing in the lines.
    expect(claimed.size).toBeLessThanOrEqual(position);
    expect(Math.max(...[...claimed].map(Number))).toBeLessThanOrEqual(position);
    await log.close();
  });
});
