import { expect, test } from 'vitest';
import { chosenSeed } from '../../support/random.ts';
import { killing } from './chaos.ts';
import { startWiredKafka } from './wire.ts';

/** A few of what `npm run chaos -- kafka` does. */
test('kill -9 at a random moment and at each step of an event: nothing twice, every event accounted for', {
  timeout: 180_000,
}, async () => {
  await using wired = await startWiredKafka();
  const results = await killing(wired, chosenSeed(), 10, 2);
  expect(results.flatMap(({ fault, failures }) => failures.map((each) => `${fault}: ${each}`))).toEqual([]);
  expect(results.map(({ duplicates }) => duplicates)).toEqual(Array(results.length).fill(0));
});
