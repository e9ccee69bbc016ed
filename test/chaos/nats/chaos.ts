import { type RandomInt, seededRandom } from '../../support/random.ts';
import { randomFaults } from './random.ts';
import { beyond, type Row, rows } from './rows.ts';
import { type Cost, Stage } from './stage.ts';

export interface NatsChaosOptions {
  readonly seed: number;
  /** Of the long run of random faults, most of them kills. */
  readonly faults: number;
  /** Only the rows of that number, and no long run. */
  readonly row?: number | undefined;
}

/** The rows of the matrix on one server and on three, then a long run of random faults. False when something did not hold. */
export async function natsChaos({ seed, faults, row }: NatsChaosOptions): Promise<boolean> {
  console.log(`seed ${seed}`);
  let holds = true;
  for (const servers of [1, 3] as const) {
    for (const each of rows.filter((one) => one.servers.includes(servers) && (row ?? one.row) === one.row)) {
      const failures = await rowTrials(each, servers, seededRandom(seed + each.row));
      holds &&= failures.length === 0;
    }
  }
  if (row !== undefined || faults === 0) return holds;
  return (await randomFaults({ seed, faults })) && holds;
}

/** Answers what did not hold. */
export async function rowTrials(row: Row, servers: 1 | 3, random: RandomInt): Promise<string[]> {
  const failures: string[] = [];
  const recovery: number[] = [];
  await using stage = await Stage.start({ servers });
  await stage.goesOn();
  let before: Cost = await stage.settleUp();
  for (let trial = 0; trial < row.trials; trial++) {
    try {
      await row.run(stage, random);
      const from = performance.now();
      await stage.goesOn();
      recovery.push(performance.now() - from);
      const total = await stage.settleUp();
      failures.push(...beyond(row, minus(total, before), stage.peakRss));
      before = total;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      break;
    }
  }
  const seconds = (Math.max(0, ...recovery) / 1_000).toFixed(1);
  const cost = `${before.inDoubt} in doubt, ${before.neverSent} given to nobody, ${before.overflow} of core dropped`;
  const verdict = failures.length === 0 ? 'holds' : `FAILED ${failures.join('; ')}`;
  console.log(
    `row ${row.row}, ${servers} server${servers === 1 ? '' : 's'}, ${row.fault}: ${row.trials} x; ${cost}; on again within ${seconds} s: ${verdict}`,
  );
  return failures;
}

const minus = (total: Cost, before: Cost): Cost => ({
  inDoubt: total.inDoubt - before.inDoubt,
  neverSent: total.neverSent - before.neverSent,
  overflow: total.overflow - before.overflow,
});
