import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { headers } from 'nats';
import { eventually } from '../../support/eventually.ts';
import type { RandomInt } from '../../support/random.ts';
import { behaveWell, type Cost, DURABLE, type Stage, VOLATILE, WINDOW } from './stage.ts';

/** What one trial may cost, for one function; what is left out: nothing. */
export interface Bounds {
  readonly inDoubt?: number;
  readonly neverSent?: number;
  /** Bytes that the gateway may have used at most. */
  readonly peakRss?: number;
}

/** A fault under load. It ends with everything well again. */
export interface Row extends Bounds {
  readonly row: number;
  readonly fault: string;
  readonly servers: readonly (1 | 3)[];
  readonly trials: number;
  run(stage: Stage, random: RandomInt): Promise<void>;
}

const LOAD = 100;
const MEGABYTE = 1_048_576;

/** While events come, after some of them. */
async function underLoad(stage: Stage, random: RandomInt, fault: () => Promise<void>): Promise<void> {
  const publishing = Promise.all([stage.publish(LOAD), stage.publishLive(LOAD).catch(() => {})]);
  const [name] = DURABLE;
  const wanted = stage.recorder.of(name).length + random(1, LOAD / 2);
  await stage.recorder.waitFor('some have come', ({ of }) => of(name).length >= wanted, 60_000);
  await fault();
  await publishing;
}

const restarted = async (stage: Stage, signal: NodeJS.Signals) => {
  await stage.gateway.kill(signal);
  await stage.gateway.restart();
};

/** For so long nothing passes between the gateway and the servers, or in one direction. */
async function cutOff(stage: Stage, how: 'cut' | 'up' | 'down' | 'both', ms: number): Promise<void> {
  for (const way of stage.ways) {
    if (how === 'cut') way.cut();
    else way.swallow(how === 'both' ? undefined : how);
  }
  await pause(ms);
  for (const way of stage.ways) way.heal();
}

const MISSED_NS = 2_000_000_000;

/** Kills one of three, and starts it again when another leads in its place, or the leader has not heard of it for some time. */
async function withoutServer({ manager, servers, stream }: Stage, victimOf: (leader: number) => number): Promise<void> {
  const cluster = async () => (await manager.streams.info(stream)).cluster;
  const before = (await cluster())?.leader;
  const victim = victimOf(Number(before?.slice(1)));
  const name = `n${victim}`;
  await servers[victim]?.kill('SIGKILL');
  const isMissed = async () => {
    const { leader, replicas = [] } = (await cluster()) ?? {};
    if (before === name) return leader !== undefined && leader !== name;
    return replicas.some((peer) => peer.name === name && peer.active > MISSED_NS);
  };
  await eventually(`server ${name} is missed`, isMissed, { within: 60_000 });
  await servers[victim]?.restart();
}

const filesOf = async (pid: number) => (await readdir(`/proc/${pid}/fd`)).length;
const limitFiles = (pid: number, soft: number) =>
  promisify(execFile)('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`]);

export const rows: readonly Row[] = [
  {
    row: 2,
    fault: 'an orderly stop under load: nothing is lost',
    servers: [1],
    trials: 3,
    inDoubt: 0,
    neverSent: 0,
    run: (stage, random) => underLoad(stage, random, () => restarted(stage, 'SIGTERM')),
  },
  {
    row: 3,
    fault: 'the gateway is frozen for 3 s',
    servers: [1],
    trials: 2,
    run: (stage, random) =>
      underLoad(stage, random, async () => {
        await stage.gateway.kill('SIGSTOP');
        await pause(3_000);
        await stage.gateway.kill('SIGCONT');
      }),
  },
  {
    row: 6,
    fault: 'what the gateway sends is lost: acknowledgements, records, requests',
    servers: [1],
    trials: 3,
    run: (stage, random) => underLoad(stage, random, () => cutOff(stage, 'up', 1_000)),
  },
  {
    row: 6,
    fault: 'what the server sends is lost: deliveries that it has recorded',
    servers: [1, 3],
    trials: 3,
    neverSent: 2 * WINDOW,
    run: (stage, random) => underLoad(stage, random, () => cutOff(stage, 'down', 1_000)),
  },
  {
    row: 8,
    fault: 'the server restarts',
    servers: [1],
    trials: 3,
    neverSent: WINDOW,
    run: (stage, random) => underLoad(stage, random, async () => stage.servers[0]?.restart()),
  },
  {
    row: 8,
    fault: 'a server of three is killed, one that follows',
    servers: [3],
    trials: 3,
    neverSent: WINDOW,
    run: (stage, random) =>
      underLoad(stage, random, () => withoutServer(stage, (leader) => (leader + random(1, 2)) % 3)),
  },
  {
    row: 8,
    fault: 'a server of three is killed, the one that leads the stream',
    servers: [3],
    trials: 3,
    neverSent: WINDOW,
    run: (stage, random) => underLoad(stage, random, () => withoutServer(stage, (leader) => leader)),
  },
  {
    row: 8,
    fault: 'leaders of stream and consumers step down',
    servers: [3],
    trials: 3,
    neverSent: WINDOW,
    run: (stage, random) =>
      underLoad(stage, random, async () => {
        const ask = (what: string) =>
          stage.client.request(`$JS.API.${what}`, undefined, { timeout: 5_000 }).catch(() => {});
        for (const consumer of await stage.consumers())
          await ask(`CONSUMER.LEADER.STEPDOWN.${stage.stream}.${consumer}`);
        await ask(`STREAM.LEADER.STEPDOWN.${stage.stream}`);
      }),
  },
  {
    row: 8,
    fault: 'half-open connections, until pings tell',
    servers: [1],
    trials: 1,
    neverSent: 2 * WINDOW,
    run: (stage, random) => underLoad(stage, random, () => cutOff(stage, 'both', 30_000)),
  },
  {
    row: 13,
    fault: 'poison: no data, bad JSON, a broken CloudEvent, odd and many headers',
    servers: [1],
    trials: 1,
    neverSent: 0,
    async run(stage) {
      const bytes = (text: string) => new TextEncoder().encode(text);
      const odd = headers();
      odd.set('event-id', 'mine', 0);
      odd.set('content-length', '5');
      odd.set('transfer-encoding', 'chunked');
      odd.set('x-odd', 'ü\u0001\u0007');
      odd.set('ce-specversion', '1.0');
      const many = headers();
      for (let i = 0; i < 1_000; i++) many.set(`x-${i}`, 'v');
      const structured = headers();
      structured.set('content-type', 'application/cloudevents+json');
      await stage.publishOdd('empty', new Uint8Array());
      await stage.publishOdd('broken', bytes('{"a":'));
      await stage.publishOdd('binary', new Uint8Array([0, 255, 254, 13, 10, 13, 10]));
      await stage.publishOdd('größe', bytes('{}'));
      await stage.publishOdd('odd', bytes('{}'), odd);
      await stage.publishOdd('many', bytes('{}'), many);
      await stage.publishOdd('structured', bytes('{"specversion":"1.0"'), structured);
      await stage.publishOdd('structured', bytes('{"specversion":7}'), structured);
    },
  },
  {
    row: 14,
    fault: 'events of a megabyte, beside small ones',
    servers: [1],
    trials: 1,
    neverSent: 0,
    peakRss: 500 * MEGABYTE,
    async run(stage, random) {
      await underLoad(stage, random, () => stage.publish(60, { size: MEGABYTE - 2_048 }));
      const wide = headers();
      wide.set('x-wide', 'x'.repeat(32_000));
      await stage.publish(5, { headers: wide });
    },
  },
  {
    row: 15,
    fault: 'functions that are too slow, and one that is dead',
    servers: [1],
    trials: 1,
    neverSent: 0,
    async run(stage) {
      const { recorder } = stage;
      const [dead, other] = DURABLE;
      await recorder.down(dead);
      recorder.behave(VOLATILE, { type: 'answer', status: 200, afterMs: 100 });
      await Promise.all([stage.publish(LOAD), stage.publishLive(2_000)]);
      const before = recorder.of(other).length;
      await stage.publish(LOAD);
      await recorder.waitFor(
        'the others do not wait for the dead one',
        ({ of }) => of(other).length >= before + 1,
        30_000,
      );
      await recorder.up(dead);
      behaveWell(recorder);
    },
  },
  {
    row: 16,
    fault: 'the gateway is cut off from the servers for 5 s',
    servers: [1, 3],
    trials: 2,
    neverSent: 2 * WINDOW,
    run: (stage, random) => underLoad(stage, random, () => cutOff(stage, 'cut', 5_000)),
  },
  {
    row: 17,
    fault: 'no file descriptors: neither calls nor new connections to NATS',
    servers: [1],
    trials: 2,
    neverSent: 2 * WINDOW,
    async run(stage, random) {
      const { pid } = stage.gateway;
      await limitFiles(pid, await filesOf(pid));
      const publishing = Promise.all([stage.publish(LOAD), stage.publishLive(LOAD)]);
      await cutOff(stage, 'cut', random(500, 1_500));
      await pause(1_000);
      await limitFiles(pid, 4_096);
      await publishing;
    },
  },
];

/** Where a trial cost more than it may. */
export function beyond({ inDoubt = 0, neverSent = 0, peakRss }: Bounds, cost: Cost, rss: number): string[] {
  const problems: string[] = [];
  if (cost.inDoubt > inDoubt) problems.push(`${cost.inDoubt} in doubt, where at most ${inDoubt} may be`);
  if (cost.neverSent > neverSent) problems.push(`${cost.neverSent} given to nobody, where at most ${neverSent} may be`);
  if (peakRss !== undefined && rss > peakRss) problems.push(`the gateway has used ${Math.round(rss / MEGABYTE)} MiB`);
  return problems;
}
