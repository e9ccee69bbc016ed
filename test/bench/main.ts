/*
 * npm run bench                            100,000 events from real Kafka: the gateway beside a bare loop
 * npm run bench -- kafka [EVENTS] [ROUNDS]
 * npm run bench -- kafka-shared [EVENTS] [ROUNDS]   ten functions, one read and one claim
 * npm run bench -- kafka-latency           from publish to receipt at fixed rates
 * npm run bench -- kafka-slow [EVENTS]     a function of 5 ms, order by key
 * npm run bench -- kafka-idle [TRIGGERS]     CPU and memory while nothing happens
 * npm run bench -- log [EVENTS]            publish, read and claim on the embedded log
 */

type Bench = (numbers: readonly number[]) => Promise<unknown>;

const benches: Readonly<Record<string, Bench>> = {
  kafka: async ([events = 100_000, rounds = 3]) =>
    (await import('./kafka/throughput.ts')).kafkaThroughput(events, rounds),
  'kafka-shared': async ([events = 30_000, rounds = 2]) =>
    (await import('./kafka/throughput.ts')).kafkaThroughput(events, rounds, 10),
  'kafka-latency': async () => (await import('./kafka/latency.ts')).kafkaLatency([1_000, 3_000]),
  'kafka-slow': async ([events = 60_000]) => (await import('./kafka/slow.ts')).kafkaSlow(events),
  'kafka-idle': async ([triggers = 50]) => (await import('./kafka/idle.ts')).kafkaIdle(triggers),
  log: () => import('./log.ts'),
};

const [name = 'kafka', ...rest] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`There is no bench "${name}": ${Object.keys(benches).join(', ')}.`);
  process.exitCode = 1;
} else {
  await bench(rest.map(Number));
}
