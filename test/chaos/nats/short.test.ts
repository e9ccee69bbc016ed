import { expect, test } from 'vitest';
import { chosenSeed, seededRandom } from '../../support/random.ts';
import { killing, killingReplicas, rowTrials } from './chaos.ts';
import { type Row, rows } from './rows.ts';

/** A few of what `npm run chaos -- nats` does, on one server. */
const short = rows
  .filter(({ row, servers }) => [2, 6, 13, 17].includes(row) && servers.includes(1))
  .map((row): Row => ({ ...row, trials: 1 }));

const titled = short.map((row) => [row.row, row.fault, row] as const);

test.each(titled)(
  'row %i, %s: nothing twice, every event accounted for',
  { timeout: 180_000 },
  async (_n, _fault, row) => {
    expect((await rowTrials(row, 1, seededRandom(chosenSeed()))).failures).toEqual([]);
  },
);

test('row 1, kill -9 at a random moment and at each step of an event: nothing twice, every event accounted for', {
  timeout: 180_000,
}, async () => {
  const results = await killing(1, 14, chosenSeed(), 2);
  expect(results.flatMap(({ title, failures }) => failures.map((each) => `${title}: ${each}`))).toEqual([]);
});

test('row 1, kill -9 of one of two gateways, and of both: nothing twice, every event in one of their ledgers', {
  timeout: 300_000,
}, async () => {
  expect((await killingReplicas(1, 5, chosenSeed())).failures).toEqual([]);
});
