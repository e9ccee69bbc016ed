import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { eventually } from '../../support/eventually.ts';
import type { Behaviour } from '../../support/function-server.ts';
import { apiKeys } from '../../support/kafka-proxy.ts';
import { dataRows } from './data-rows.ts';
import { type Disturb, LOAD, NOTHING, stop } from './disturb.ts';
import { functions, type Stage, WINDOW } from './stage.ts';

const SESSION_MS = 3_000;

export const disturbances: readonly Disturb[] = [
  {
    row: 2,
    fault: 'SIGTERM under load, and started again',
    brokers: 1,
    trials: 10,
    bounds: NOTHING,
    async run(stage) {
      const publishing = stage.publish(LOAD);
      await pause(stage.random(0, 200));
      await stop(stage, 0);
      await stage.gateway.restart();
      await publishing;
      return undefined;
    },
  },
  {
    row: 2,
    fault: 'rolling restart of two replicas under load',
    brokers: 1,
    trials: 5,
    replicas: 2,
    bounds: NOTHING,
    async run(stage) {
      for (const replica of [0, 1]) {
        const publishing = stage.publish(LOAD);
        await pause(stage.random(0, 200));
        await stop(stage, replica);
        await stage.gateways[replica]?.restart();
        await publishing;
      }
      return undefined;
    },
  },
  {
    row: 3,
    fault: 'SIGSTOP longer than the session, then SIGCONT',
    brokers: 1,
    trials: 6,
    replicas: 2,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      const zombie = stage.gateways[stage.random(0, 1)] ?? stage.gateway;
      const publishing = stage.publish(LOAD);
      await pause(stage.random(0, 100));
      await zombie.kill('SIGSTOP');
      await stage.publish(LOAD);
      await pause(SESSION_MS + stage.random(500, 2_500));
      await zombie.kill('SIGCONT');
      await publishing;
      return undefined;
    },
  },
  {
    row: 4,
    fault: 'the broker restarts',
    brokers: 1,
    trials: 3,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      await stage.publish(LOAD);
      await stage.kafka.restart();
      return undefined;
    },
  },
  {
    row: 4,
    fault: 'the broker is killed, and away for a minute',
    brokers: 1,
    trials: 1,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      await stage.publish(LOAD);
      await stage.kafka.kill('SIGKILL');
      await pause(60_000);
      await stage.kafka.restart();
      return undefined;
    },
  },
  {
    row: 4,
    fault: 'partitions are added',
    brokers: 1,
    trials: 2,
    bounds: NOTHING,
    run: (stage) => addPartitions(stage),
  },
  {
    row: 4,
    fault: 'partitions are added (3 brokers)',
    brokers: 3,
    trials: 2,
    bounds: NOTHING,
    run: (stage) => addPartitions(stage),
  },
  {
    row: 4,
    fault: 'leader and coordinator move: a broker of three restarts',
    brokers: 3,
    trials: 6,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      const publishing = stage.publish(LOAD);
      await stage.kafka.restart(stage.random(0, 2));
      await publishing;
      return undefined;
    },
  },
  {
    row: 5,
    fault: 'rebalance storm: a replica comes and goes, by SIGTERM and by kill -9',
    brokers: 1,
    trials: 8,
    replicas: 2,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      const publishing = stage.publish(LOAD);
      const replica = stage.random(0, 1);
      const signal = stage.random(0, 1) === 0 ? 'SIGTERM' : 'SIGKILL';
      await pause(stage.random(0, 500));
      if (signal === 'SIGTERM') await stop(stage, replica);
      else await stage.gateways[replica]?.kill('SIGKILL');
      await stage.gateways[replica]?.restart();
      await publishing;
      return undefined;
    },
  },
  {
    row: 6,
    fault: 'the answer to a commit is lost',
    brokers: 1,
    trials: 15,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      const { promise: lost, resolve } = Promise.withResolvers<void>();
      const isCut = stage.random(0, 1) === 0;
      stage.wire.watch(stage.topic.name, ({ apiKey, direction }) => {
        if (apiKey !== apiKeys.offsetCommit || direction !== 'answer') return 'pass';
        stage.wire.watch(stage.topic.name);
        resolve();
        return isCut ? 'cut' : 'swallow';
      });
      await stage.publish(LOAD);
      await lost;
      // The kernel of a peer that is gone would tell it after a while; a client alone notices after 30 s.
      if (!isCut) setTimeout(() => stage.wire.cut(), stage.random(0, 1_000));
      return undefined;
    },
  },
  {
    row: 11,
    fault: 'functions answer 500, hang, reset, and are slow',
    brokers: 1,
    trials: 6,
    bounds: { inDoubt: 0 },
    async run(stage) {
      const bad: readonly Behaviour[] = [
        { type: 'answer', status: 500 },
        { type: 'hang' },
        { type: 'reset' },
        { type: 'answer', status: 200, afterMs: 300 },
        { type: 'answer', status: 301 },
      ];
      for (const name of functions) {
        stage.recorder.behave(name, () => bad[stage.random(0, 40)] ?? { type: 'answer', status: 200 });
      }
      await stage.publish(LOAD);
      await pause(1_000);
      stage.behaveWell();
      return undefined;
    },
  },
  {
    row: 12,
    fault: 'a function goes and comes',
    brokers: 1,
    trials: 6,
    bounds: { inDoubt: 0 },
    async run(stage) {
      const [name] = functions;
      const publishing = stage.publish(LOAD);
      for (let times = 0; times < 3; times++) {
        await pause(stage.random(10, 300));
        await stage.recorder.down(name);
        await pause(stage.random(10, 300));
        await stage.recorder.up(name);
      }
      await publishing;
      return undefined;
    },
  },
  ...dataRows,
  {
    row: 16,
    fault: 'the way to the broker: cut, or silent for a while',
    brokers: 1,
    trials: 8,
    bounds: { inDoubt: WINDOW },
    async run(stage) {
      const publishing = stage.publish(LOAD);
      await pause(stage.random(0, 100));
      stage.wire.freeze(true);
      await pause(stage.random(0, 2 * SESSION_MS));
      stage.wire.cut();
      stage.wire.freeze(false);
      await publishing;
      return undefined;
    },
  },
  {
    row: 16,
    fault: 'the way to one of three brokers is silent: partitions of the others go on',
    brokers: 3,
    trials: 4,
    bounds: { inDoubt: WINDOW },
    run: silenceOne,
  },
];

/** Not one that coordinates a group: nothing can be claimed without it, and nobody else takes it over while it lives. */
async function silenceOne(stage: Stage): Promise<undefined> {
  const coordinators = new Set<number>();
  stage.wire.watch(stage.topic.name, ({ apiKey }, broker) => {
    if (apiKey === apiKeys.offsetCommit) coordinators.add(broker);
    return 'pass';
  });
  await stage.publish(LOAD);
  await stage.settleUp();
  stage.wire.watch(stage.topic.name);
  const silent = [0, 1, 2].find((broker) => !coordinators.has(broker)) ?? 0;
  stage.wire.freeze(true, silent);
  const publishing = stage.publish(LOAD);
  await publishing;
  // Node ids of brokers count from 1.
  const others = await stage.partitionsWithout(silent + 1);
  await stage.reached(others, 'other partitions go on');
  stage.wire.freeze(false, silent);
  return undefined;
}

async function addPartitions(stage: Stage): Promise<undefined> {
  const admin = new Kafka({ brokers: [...stage.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const publishing = stage.publish(LOAD);
  const metadata = await admin.fetchTopicMetadata({ topics: [stage.topic.name] });
  const count = (metadata.topics[0]?.partitions.length ?? 0) + 3;
  await admin.createPartitions({ topicPartitions: [{ topic: stage.topic.name, count }] });
  await publishing;
  await eventually('the producer knows the partitions', async () => {
    const [topic] = (await admin.fetchTopicMetadata({ topics: [stage.topic.name] })).topics;
    return topic?.partitions.length === count;
  });
  await admin.disconnect();
  // The consumer asks for the topic's metadata every five minutes, and when it starts.
  await stop(stage, 0);
  await stage.gateway.restart();
  await stage.publish(LOAD);
  return undefined;
}
