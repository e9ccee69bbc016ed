import { parseArgs } from 'node:util';

/*
 * npm run chaos -- nats [--seed N] [--faults N]     core NATS and JetStream
 * npm run chaos -- kafka [--seed N] [--kills N] [--row N]     rows of the matrix on brokers of its own
 *
 * A seed runs the same faults in the same order again; moments differ by what the machine does meanwhile.
 */

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    faults: { type: 'string' },
    kills: { type: 'string' },
    row: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const [name = 'nats'] = positionals;

switch (name) {
  case 'nats': {
    const { natsChaos } = await import('./nats.ts');
    if (!(await natsChaos({ seed, faults: Number(values.faults ?? 300) }))) process.exitCode = 1;
    break;
  }
  case 'kafka': {
    const { kafkaChaos } = await import('./kafka/chaos.ts');
    const row = values.row === undefined ? undefined : Number(values.row);
    if (!(await kafkaChaos({ seed, kills: Number(values.kills ?? 300), row }))) process.exitCode = 1;
    break;
  }
  default:
    console.error(`There is no chaos run "${name}": kafka, nats.`);
    process.exitCode = 1;
}
