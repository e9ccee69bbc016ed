import { parseArgs } from 'node:util';

/*
 * npm run chaos -- nats [--seed N] [--kills N] [--faults N] [--row N]     rows of the matrix, then random faults: core NATS and JetStream
 * npm run chaos -- kafka [--seed N] [--kills N] [--row N]     rows of the matrix on brokers of its own
 * npm run chaos -- cronjob [--seed N] [--ticks N] [--faults N] [--api embedded|kubernetes]     three processes with one set of triggers; N faults at the least
 * npm run chaos -- kubernetes [--seed N] [--kills N] [--changes N] [--api embedded|kubernetes]     watches of 500 objects; --kills 0: no faults
 * npm run chaos -- outage [--seconds N]     controllers with triggers that run, and an API server that is away
 * npm run chaos -- call [--seed N] [--calls N | --minutes N]     the HTTP callers and a hostile server; for a time: and what is left of sockets, handles and memory
 *
 * TEST_CALLER=undici runs what has gateways or controllers with the other caller.
 *
 * A seed runs the same faults in the same order again; moments differ by what the machine does meanwhile.
 */

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    faults: { type: 'string' },
    kills: { type: 'string' },
    changes: { type: 'string' },
    calls: { type: 'string' },
    minutes: { type: 'string' },
    ticks: { type: 'string' },
    seconds: { type: 'string' },
    api: { type: 'string' },
    row: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const [name = 'nats'] = positionals;

switch (name) {
  case 'nats': {
    const { natsChaos } = await import('./nats/chaos.ts');
    const row = values.row === undefined ? undefined : Number(values.row);
    const [kills, faults] = [Number(values.kills ?? 300), Number(values.faults ?? 100)];
    if (!(await natsChaos({ seed, kills, faults, row }))) process.exitCode = 1;
    break;
  }
  case 'kafka': {
    const { kafkaChaos } = await import('./kafka/chaos.ts');
    const row = values.row === undefined ? undefined : Number(values.row);
    if (!(await kafkaChaos({ seed, kills: Number(values.kills ?? 300), row }))) process.exitCode = 1;
    break;
  }
  case 'cronjob': {
    const { cronChaos } = await import('./cronjob/chaos.ts');
    const api = values.api === 'kubernetes' ? 'kubernetes' : 'embedded';
    const [ticks, faults] = [Number(values.ticks ?? 10_000), Number(values.faults ?? 60)];
    if (!(await cronChaos({ seed, ticks, faults, api }))) process.exitCode = 1;
    break;
  }
  case 'call': {
    const { callChaos, callLeaks } = await import('./call.ts');
    const { anyAddress, callers } = await import('../../src/delivery/call/callers.ts');
    const { systemClock } = await import('../../src/domain/clock.ts');
    const options = { clock: systemClock, forbids: anyAddress };
    const both = { http1: callers('http1', options), undici: callers('undici', options) };
    const minutes = Number(values.minutes ?? 0);
    if (minutes > 0 && !(await callLeaks(both, minutes, seed))) process.exitCode = 1;
    if (minutes === 0 && !(await callChaos(both, Number(values.calls ?? 1_000_000), seed))) process.exitCode = 1;
    break;
  }
  case 'outage': {
    const { outageChaos } = await import('./outage/chaos.ts');
    if (!(await outageChaos({ seconds: Number(values.seconds ?? 60) }))) process.exitCode = 1;
    break;
  }
  case 'kubernetes': {
    const { watchChaosRun } = await import('./kubernetes/run.ts');
    const api = values.api === 'embedded' ? 'embedded' : 'kubernetes';
    const kills = Number(values.kills ?? 100);
    if (!(await watchChaosRun({ seed, api, kills, changes: Number(values.changes ?? 20_000) }))) process.exitCode = 1;
    break;
  }
  default:
    console.error(`There is no chaos run "${name}": call, cronjob, kafka, kubernetes, nats, outage.`);
    process.exitCode = 1;
}
