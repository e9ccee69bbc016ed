import { watchChaos } from './chaos.ts';

/** The long form: watches of 500 objects. Without kills there are no faults at all. Answers whether nothing is wrong. */
export async function watchChaosRun(options: {
  readonly seed: number;
  readonly api: 'embedded' | 'kubernetes';
  readonly kills: number;
  readonly changes: number;
}): Promise<boolean> {
  const restarts = options.kills === 0 ? 0 : Math.max(2, Math.ceil(options.kills / 20));
  const { lines, problems } = await watchChaos({ ...options, objects: 500, restarts, forgets: restarts });
  for (const line of [...lines, ...problems.map((problem) => `WRONG: ${problem}`)]) console.log(line);
  return problems.length === 0;
}
