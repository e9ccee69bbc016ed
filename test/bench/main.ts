/*
 * npm run bench                            100,000 events from real Kafka: the gateway beside a bare loop
 * npm run bench -- kafka [EVENTS] [ROUNDS]
 * npm run bench -- kafka-shared [EVENTS] [ROUNDS]   ten functions, one read and one claim
 * npm run bench -- kafka-latency           from publish to receipt at fixed rates
 * npm run bench -- kafka-slow [EVENTS]     a function of 5 ms, order by key
 * npm run bench -- kafka-neighbours [RATE] [ROUNDS]   a function alone, and beside a dead and a slow one
 * npm run bench -- kafka-idle [TRIGGERS]     CPU and memory while nothing happens
 * npm run bench -- nats [EVENTS] [ROUNDS]        core NATS: the gateway beside a bare loop
 * npm run bench -- jetstream [EVENTS] [ROUNDS]   JetStream: the same
 * npm run bench -- nats-latency [SECONDS]        core NATS at 2,000 events/s, from publish to receipt
 * npm run bench -- jetstream-latency [SECONDS]   JetStream: the same
 * npm run bench -- cronjob [SCHEDULES]          cost and lateness of schedules on the embedded API
 * npm run bench -- resources [TRIGGERS]         a controller on a real API server: start, a change of a label, idle
 * npm run bench -- kubernetes [EVENTS] [ROUNDS]   changes of ConfigMaps on a real API server: the controller beside a bare loop
 * npm run bench -- call [CALLS] [ROUNDS]     the callers alone
 * npm run bench -- call-idle [CALLS]        what the race for idle connections costs
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
  'kafka-neighbours': async ([rate = 500, rounds = 3]) =>
    (await import('./kafka/neighbours.ts')).kafkaNeighbours(rate, rounds),
  'kafka-idle': async ([triggers = 50]) => (await import('./kafka/idle.ts')).kafkaIdle(triggers),
  nats: async ([events = 100_000, rounds = 3]) =>
    (await import('./nats/throughput.ts')).natsThroughput('core', events, rounds),
  jetstream: async ([events = 100_000, rounds = 3]) =>
    (await import('./nats/throughput.ts')).natsThroughput('jetstream', events, rounds),
  'nats-latency': async ([seconds = 60]) => (await import('./nats/latency.ts')).natsLatency('core', 2_000, seconds),
  'jetstream-latency': async ([seconds = 60]) =>
    (await import('./nats/latency.ts')).natsLatency('jetstream', 2_000, seconds),
  cronjob: async ([schedules = 2_000]) => (await import('./cronjob/schedules.ts')).cronSchedules(schedules),
  resources: async ([triggers = 1_000]) => (await import('./resources.ts')).resources(triggers),
  kubernetes: async ([events = 5_000, rounds = 2]) =>
    (await import('./kubernetes/throughput.ts')).watchThroughput(events, rounds),
  call: async ([count = 200_000, rounds = 3]) => (await import('./call.ts')).calls(count, rounds),
  'call-idle': async ([calls = 100_000]) => (await import('./call-idle.ts')).callIdle(calls),
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
