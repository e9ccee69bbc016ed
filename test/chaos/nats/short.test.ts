import { expect, test } from 'vitest';
import { chosenSeed, seededRandom } from '../../support/random.ts';
import { rowTrials } from './chaos.ts';
import { type Row, rows } from './rows.ts';

/** A few of what `npm run chaos -- nats` does, on one server. */
const short = rows
  .filter(({ row, servers }) => [1, 6, 13, 17].includes(row) && servers.includes(1))
  .map((row): Row => ({ ...row, trials: 1 }));

const titled = short.map((row) => [row.row, row.fault, row] as const);

test.each(titled)(
  'row %i, %s: nothing twice, every event accounted for',
  { timeout: 180_000 },
  async (_n, _fault, row) => {
    expect(await rowTrials(row, 1, seededRandom(chosenSeed()))).toEqual([]);
  },
);
