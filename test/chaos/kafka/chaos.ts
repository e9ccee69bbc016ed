import { seededRandom } from '../../support/random.ts';
import type { Disturb } from './disturb.ts';
import { killAt, steps } from './kills.ts';
import { noResult, print, type Result, trial } from './report.ts';
import { disturbances } from './rows.ts';
import { Stage, WINDOW } from './stage.ts';
import { startWiredKafka, type WiredKafka } from './wire.ts';

export interface KafkaChaosOptions {
  readonly seed: number;
  /** Of row 1, in turn over a random moment and the named steps. */
  readonly kills: number;
  /** Only this one. */
  readonly row?: number | undefined;
  /** Gateways that are killed side by side: most of a trial is waiting for a session to end. */
  readonly lanes?: number;
}

/** Runs rows of the matrix on real brokers, and prints what came of them. False when something did not hold. */
export async function kafkaChaos({ seed, kills, row, lanes = 4 }: KafkaChaosOptions): Promise<boolean> {
  console.log(`seed ${seed}`);
  const results: Result[] = [];
  {
    await using wired = await startWiredKafka();
    if (row === undefined || row === 1) results.push(...(await killing(wired, seed, kills, lanes)));
    for (const each of disturbances.filter(({ brokers, row: n }) => brokers === 1 && (row ?? n) === n)) {
      results.push(await disturbing(wired, seed, each));
    }
  }
  const three = disturbances.filter(({ brokers, row: n }) => brokers === 3 && (row ?? n) === n);
  if (three.length > 0) {
    await using wired = await startWiredKafka({ brokers: 3 });
    for (const each of three) results.push(await disturbing(wired, seed, each));
  }
  return print(results, WINDOW);
}

/** Row 1. */
export async function killing(
  { kafka, wire }: WiredKafka,
  seed: number,
  kills: number,
  lanes: number,
): Promise<Result[]> {
  const names = Object.keys(steps);
  const results = new Map(names.map((name) => [name, noResult(1, `kill -9, ${name}`)]));
  let next = 0;
  let done = 0;
  const lane = async (n: number) => {
    await using stage = await Stage.start({ kafka, wire, random: seededRandom(seed + n) });
    while (next < kills) {
      const name = names[next++ % names.length] ?? '';
      const result = results.get(name) ?? noResult(1, name);
      await trial(stage, result, { inDoubt: WINDOW }, async () => {
        const from = performance.now();
        if (!(await killAt(stage, name))) result.failures.push('the step did not come');
        return from;
      });
      if (++done % 20 === 0) console.log(`${done} kills`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, kills) }, (_, n) => lane(n)));
  return [...results.values()];
}

async function disturbing({ kafka, wire }: WiredKafka, seed: number, disturb: Disturb): Promise<Result> {
  const { row, fault, trials, bounds, replicas = 1, spec = {} } = disturb;
  const result = noResult(row, fault);
  await using stage = await Stage.start({ kafka, wire, random: seededRandom(seed + row), spec });
  for (let more = 1; more < replicas; more++) await stage.addGateway();
  for (let n = 0; n < trials; n++) await trial(stage, result, bounds, () => disturb.run(stage));
  console.log(`row ${row}, ${fault}: ${result.failures.length === 0 ? 'holds' : result.failures[0]}`);
  return result;
}
