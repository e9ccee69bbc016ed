import { servedTypes } from '../../../src/cli/served-types.ts';
import { isBalanced } from '../../../src/domain/ledger.ts';
import { noCounts, total } from '../../../src/sdk.ts';
import { createCronJobKind } from '../../../triggers/cronjob/index.ts';
import type { CronRecord } from '../../../triggers/cronjob/record.ts';
import { startKubeApi } from '../../services/kube-apiserver/start.ts';
import { installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';
import { type ApiAccess, fastClock, startCronController } from '../../support/cron-controller.ts';
import { type RandomInt, seededRandom } from '../../support/random.ts';
import { startResourceApi } from '../../support/resource-api.ts';
import { CronStage, EVERY_MS, FACTOR, PROCESSES } from './stage.ts';

/*
 * Three processes run the same triggers, with clocks that go ten times as fast. They are killed, frozen (shorter and longer than
 * their lease) and have their clocks set. In the end: no event id came twice (I1), and every tick since the start is
 * delivered, missed or unknown in what is stored (I2), whoever claimed it.
 */

export interface CronChaosOptions {
  readonly seed: number;
  /** Requests to wait for. */
  readonly ticks: number;
  /** Kills and pauses to wait for, beside the requests. Default: as many as come meanwhile. */
  readonly faults?: number;
  readonly triggers?: number;
  /** Default: the embedded API. */
  readonly api?: 'embedded' | 'kubernetes';
}

export interface CronChaosResult {
  readonly faults: ReadonlyMap<string, number>;
  readonly requests: number;
  /** Those that came while faults went on. */
  readonly underFaults: number;
  /** Decided since the start: those of the hour that is skipped in the end as well. */
  readonly ticks: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

type Fault = (stage: CronStage, victim: number, random: RandomInt) => Promise<void>;

/** Longer than a lease, as its clock sees it. */
const LONG_FREEZE_MS = 200_000 / FACTOR;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Each leaves three processes that run, with clocks that are right. */
const faults: Readonly<Record<string, Fault>> = {
  'kill -9': (stage, victim) => stage.kill(victim),
  async freeze(stage, victim) {
    stage.process(victim).kill('SIGSTOP');
    await stage.calm();
    stage.process(victim).kill('SIGCONT');
  },
  async 'freeze past the lease'(stage, victim) {
    stage.process(victim).kill('SIGSTOP');
    await pause(LONG_FREEZE_MS);
    stage.process(victim).kill('SIGCONT');
  },
  async 'freeze one, kill another'(stage, victim) {
    stage.process(victim).kill('SIGSTOP');
    await stage.kill((victim + 1) % PROCESSES);
    stage.process(victim).kill('SIGCONT');
  },
  async 'set the clock'(stage, victim, random) {
    await stage.setClock(victim, [-20_000, -3_000, 3_000, 20_000][random(0, 3)] ?? 0);
    await stage.calm();
    await stage.setClock(victim, 0);
  },
};

/** What takes long is rare. */
function chosen(random: RandomInt): string {
  const at = random(1, 20);
  if (at === 1) return 'freeze past the lease';
  if (at <= 9) return 'kill -9';
  if (at <= 12) return 'freeze one, kill another';
  return at <= 17 ? 'freeze' : 'set the clock';
}

/** Prints what happened; false when a tick came twice, or is accounted for nowhere. */
export async function cronChaos(options: CronChaosOptions): Promise<boolean> {
  const { faults: happened, requests, underFaults, ticks, outcomes, problems } = await cronTrial(options);
  console.log(
    `cronjob, seed ${options.seed}, ${options.api ?? 'embedded'} API: ${[...happened].map(([name, n]) => `${n} x ${name}`).join(', ')}`,
  );
  console.log(
    `  ${underFaults} requests while faults went on, ${requests} in all; ${ticks} ticks with those of an hour that was skipped; stored: ${JSON.stringify(outcomes)}`,
  );
  console.log(problems.length === 0 ? '  nothing twice, every tick accounted for' : `  ${problems.join('\n  ')}`);
  return problems.length === 0;
}

export async function cronTrial(options: CronChaosOptions): Promise<CronChaosResult> {
  if (options.api === 'kubernetes') {
    await using api = await startKubeApi();
    await installCrds(api, (await command(['crds'])).stdout);
    return await on(api, options);
  }
  await using api = await startResourceApi(servedTypes([createCronJobKind({ alone: false })]));
  return await on(api, options);
}

async function on({ url, ca, token }: ApiAccess, options: CronChaosOptions): Promise<CronChaosResult> {
  const { seed, ticks, faults: wanted = 0, triggers = 30 } = options;
  const access = { url, ...(ca !== undefined && { ca }), ...(token !== undefined && { token }) };
  const random = seededRandom(seed);
  await using stage = await CronStage.open(access, triggers);
  await stage.calm();
  const before = await stage.records();
  const happened = new Map<string, number>();
  let ends = 0;
  while (stage.recorder.records.length < ticks || ends < wanted) {
    const name = chosen(random);
    happened.set(name, (happened.get(name) ?? 0) + 1);
    if (name !== 'set the clock') ends++;
    await faults[name]?.(stage, random(0, PROCESSES - 1), random);
    await stage.calm();
  }
  const underFaults = stage.recorder.records.length;
  // An hour is skipped: what is beyond the last hundred ticks of each trigger is missed.
  await stage.setClock(0, 3_600_000);
  await stage.calm();
  await stage.stopAll();
  await finish(stage);
  return { ...judge(stage, before, await stage.records()), faults: happened, underFaults };
}

/** Whoever comes next finds what the killed ones have left. */
async function finish(stage: CronStage): Promise<void> {
  const clock = fastClock(stage.since, FACTOR);
  const last = await startCronController(stage.access, { ...clock, now: () => clock.now() + 3_600_000 }, true);
  await stage.calm();
  // All that it has claimed shall end, on a busy machine and a slow API server too.
  await last.close(1_000_000);
}

function judge(
  { recorder, triggers }: CronStage,
  before: ReadonlyMap<string, CronRecord>,
  after: ReadonlyMap<string, CronRecord>,
): Omit<CronChaosResult, 'faults' | 'underFaults'> {
  const ids = recorder.records.map(({ eventId }) => eventId);
  const seen = new Set<string>();
  const problems = ids.filter((id) => seen.size === seen.add(id).size).map((id) => `${id} came twice`);
  const outcomes: Record<string, number> = {};
  let passed = 0;
  for (const name of triggers) {
    const [first, last] = [before.get(name), after.get(name)];
    if (first === undefined || last === undefined) throw new Error(`there is no record of ${name}`);
    const counts = last.counts.f ?? noCounts();
    const ticks = (last.decidedThrough - first.decidedThrough) / EVERY_MS;
    const read = counts.read + last.open.length - (first.counts.f?.read ?? 0) - first.open.length;
    passed += ticks;
    if (read !== ticks) problems.push(`${name}: ${ticks} ticks passed, and ${read} are accounted for`);
    if (!isBalanced(counts, 0)) problems.push(`${name} does not balance: ${JSON.stringify(counts)}`);
    if (last.open.length > 0) problems.push(`${name}: ${last.open.length} are still open`);
    const came = recorder.records.filter(({ body }) => body?.includes(`"${name}"`)).length;
    if (came < counts.delivered || came > counts.delivered + total(counts.unknown))
      problems.push(`${name}: ${came} came, ${counts.delivered} are delivered, ${total(counts.unknown)} unknown`);
    for (const [outcome, n] of Object.entries(outcomesOf(counts))) outcomes[outcome] = (outcomes[outcome] ?? 0) + n;
  }
  return { requests: ids.length, ticks: passed, outcomes, problems };
}

const outcomesOf = ({ delivered, rejected, unknown, dropped, droppedBeforeClaim }: ReturnType<typeof noCounts>) => ({
  delivered,
  rejected,
  unknown: total(unknown),
  dropped: total(dropped),
  droppedBeforeClaim: total(droppedBeforeClaim),
});
