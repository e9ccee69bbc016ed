import { expect, test } from 'vitest';
import { chosenSeed } from '../../support/random.ts';
import { watchChaos } from './chaos.ts';

const small = { api: 'embedded', objects: 50 } as const;

test('watches: a process is killed, the API restarted, history forgotten; nothing comes twice, all that is missing is named', {
  timeout: 300_000,
}, async () => {
  const { lines, problems } = await watchChaos({
    ...small,
    seed: chosenSeed(),
    changes: 1_500,
    kills: 4,
    restarts: 1,
    forgets: 1,
  });
  console.log(lines.join('\n'));
  expect(problems).toEqual([]);
});

test('watches: without faults nothing is missing', { timeout: 120_000 }, async () => {
  const { lines, problems } = await watchChaos({
    ...small,
    seed: chosenSeed(),
    changes: 800,
    kills: 0,
    restarts: 0,
    forgets: 0,
  });
  expect(problems).toEqual([]);
  expect(lines).toHaveLength(4);
});
