import { expect, test } from 'vitest';
import { chosenSeed } from '../../support/random.ts';
import { cronTrial } from './chaos.ts';

/** A little of what `npm run chaos -- cronjob` does. */
test('three processes that are killed, frozen and set fire each tick at most once, and every tick is accounted for', {
  timeout: 180_000,
}, async () => {
  const { problems, requests } = await cronTrial({ seed: chosenSeed(), ticks: 400, triggers: 8 });
  expect(problems).toEqual([]);
  expect(requests).toBeGreaterThanOrEqual(400);
});
