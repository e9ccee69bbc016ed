import { type RandomInt, seededRandom } from '../../support/random.ts';
import { killAt, steps } from './kills.ts';
import { randomFaults } from './random.ts';
import { Replicas } from './replicas.ts';
import { type Bounds, beyond, type Row, rows } from './rows.ts';
import { Stage, WINDOW } from './stage.ts';

export interface NatsChaosOptions {
  readonly seed: number;
  /** Of row 1, in turn over a random moment and the named steps. */
  readonly kills: number;
  /** Of the long run of random faults. */
  readonly faults: number;
  /** Only the rows of that number, and no long run. */
  readonly row?: number | undefined;
}

/** Gateways that are killed side by side, each with servers of its own: most of a trial is waiting for a start. */
const LANES = 3;
/** Every so many kills, one is with three servers. */
const CLUSTERED = 5;
/** For so many kills of a gateway there is one of a gateway beside which another one reads the same consumer. */
const ALONE = 5;
/** Every so many of those kills, it is both of them. */
const BOTH = 5;

/** The rows of the matrix on one server and on three, then a long run of random faults. False when something did not hold. */
export async function natsChaos({ seed, kills, faults, row }: NatsChaosOptions): Promise<boolean> {
  console.log(`seed ${seed}`);
  const results: Result[] = [];
  if ((row ?? 1) === 1) {
    const clustered = Math.floor(kills / CLUSTERED);
    results.push(...(await killing(1, kills - clustered, seed, LANES)), ...(await killing(3, clustered, seed, 1)));
    const shared = Math.floor(kills / ALONE);
    const sharedClustered = Math.floor(shared / CLUSTERED);
    results.push(await killingReplicas(1, shared - sharedClustered, seed));
    if (sharedClustered > 0) results.push(await killingReplicas(3, sharedClustered, seed));
  }
  for (const servers of [1, 3] as const)
    for (const each of rows.filter((one) => one.servers.includes(servers) && (row ?? one.row) === one.row))
      results.push(await rowTrials(each, servers, seededRandom(seed + each.row)));
  const holds = results.every(({ failures }) => failures.length === 0);
  if (row !== undefined || faults === 0) return holds;
  return (await randomFaults({ seed, faults })) && holds;
}

/** What the trials of one fault came to. */
export interface Result {
  readonly title: string;
  trials: number;
  readonly costs: { inDoubt: number; neverSent: number; overflow: number };
  readonly recoveryMs: number[];
  readonly failures: string[];
}

const noResult = (row: number, servers: 1 | 3, fault: string): Result => ({
  title: `row ${row}, ${servers} server${servers === 1 ? '' : 's'}, ${fault}`,
  trials: 0,
  costs: { inDoubt: 0, neverSent: 0, overflow: 0 },
  recoveryMs: [],
  failures: [],
});

/** Row 1: so many kills, in turn over the steps. */
export async function killing(servers: 1 | 3, kills: number, seed: number, lanes: number): Promise<Result[]> {
  const results = Object.keys(steps).map((step) => ({ step, result: noResult(1, servers, `kill -9, ${step}`) }));
  let next = 0;
  const lane = async (n: number) => {
    const random = seededRandom(seed + n);
    await using stage = await Stage.start({ servers });
    while (next < kills) {
      const one = results[next++ % results.length];
      if (one === undefined) return;
      const fault = async () => {
        if (!(await killAt(stage, one.step, random))) one.result.failures.push('the step did not come');
      };
      if (!(await trial(stage, { inDoubt: WINDOW, neverSent: WINDOW }, one.result, fault))) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, kills) }, (_, n) => lane(n)));
  const tried = results.map(({ result }) => result).filter(({ trials }) => trials > 0);
  for (const result of tried) print(result);
  return tried;
}

/** Row 1, beside others: so many kills of one of two gateways, or of both. */
export async function killingReplicas(servers: 1 | 3, kills: number, seed: number): Promise<Result> {
  const result = noResult(1, servers, 'kill -9 of one of two replicas, now and then of both');
  const random = seededRandom(seed);
  await using replicas = await Replicas.start(servers);
  try {
    for (; result.trials < kills && result.failures.length === 0; result.trials++) {
      const victims = result.trials % BOTH === BOTH - 1 ? 2 : 1;
      result.recoveryMs.push(await replicas.killUnderLoad(random, victims));
      const cost = await replicas.settleUp();
      for (const name of ['inDoubt', 'neverSent'] as const) result.costs[name] += cost[name];
      result.failures.push(...beyond({ inDoubt: victims * WINDOW }, { ...cost, overflow: 0 }, 0));
    }
  } catch (error) {
    result.failures.push(error instanceof Error ? error.message : String(error));
  }
  print(result);
  return result;
}

export async function rowTrials(row: Row, servers: 1 | 3, random: RandomInt): Promise<Result> {
  const result = noResult(row.row, servers, row.fault);
  await using stage = await Stage.start({ servers });
  await stage.goesOn();
  await stage.settleUp();
  for (let n = 0; n < row.trials; n++) if (!(await trial(stage, row, result, () => row.run(stage, random)))) break;
  print(result);
  return result;
}

/** One fault, and what has to hold after it. False: the stage is of no more use. */
async function trial(stage: Stage, bounds: Bounds, result: Result, fault: () => Promise<void>): Promise<boolean> {
  result.trials++;
  try {
    await fault();
    const from = performance.now();
    await stage.goesOn();
    result.recoveryMs.push(performance.now() - from);
    const cost = await stage.settleUp();
    for (const name of ['inDoubt', 'neverSent', 'overflow'] as const) result.costs[name] += cost[name];
    result.failures.push(...beyond(bounds, cost, stage.peakRss));
    return true;
  } catch (error) {
    result.failures.push(error instanceof Error ? error.message : String(error));
    return false;
  }
}

function print({ title, trials, costs, recoveryMs, failures }: Result): void {
  const seconds = (Math.max(0, ...recoveryMs) / 1_000).toFixed(1);
  const cost = `${costs.inDoubt} in doubt, ${costs.neverSent} given to nobody, ${costs.overflow} of core dropped`;
  const verdict = failures.length === 0 ? 'holds' : `FAILED ${failures.join('; ')}`;
  console.log(`${title}: ${trials} x; ${cost}; on again within ${seconds} s: ${verdict}`);
}
