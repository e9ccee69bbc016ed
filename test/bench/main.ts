/*
 * npm run bench                100,000 events from real Kafka: the gateway beside a bare loop
 * npm run bench -- kafka [EVENTS] [ROUNDS]
 * npm run bench -- log [EVENTS]     publish, read and claim on the embedded log
 */

const [name = 'kafka', ...args] = process.argv.slice(2);
const number = (at: number, otherwise: number) => Number(args[at] ?? otherwise);

switch (name) {
  case 'kafka': {
    const { kafkaThroughput } = await import('./kafka/throughput.ts');
    await kafkaThroughput(number(0, 100_000), number(1, 3));
    break;
  }
  default:
    console.error(`There is no bench "${name}": kafka.`);
    process.exitCode = 1;
}
