import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedKafka } from '../services/shared.ts';
import { checkLedger } from '../support/checker.ts';
import { commandOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { createTopic } from '../support/kafka.ts';
import { type TempDir, tempDir } from '../support/temp.ts';

const HELLO = `
const { appendFileSync } = require('node:fs');
module.exports = {
  main(event) {
    const isEvent = event['event-namespace'] === 'kafkatriggers.kubeless.io';
    if (isEvent && process.env.SEEN) appendFileSync(process.env.SEEN, event['event-id'] + '\\n');
    console.log('hello ' + JSON.stringify(event.data));
    return 'hello ' + process.pid;
  },
};
`;
const PYTHON = `
import os
def main(event, context):
    print("hello", event["data"])
    return "hello %d" % os.getpid()
`;

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir('e2e-function');
  await writeFile(join(folder.path, 'hello.js'), HELLO);
  await writeFile(join(folder.path, 'hello.py'), PYTHON);
});
afterAll(() => folder?.remove());

async function ok(gateway: Gateway, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await commandOf(gateway, args);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
}

async function deploy(gateway: Gateway, runtime: string, file: string, ...more: string[]): Promise<void> {
  const code = ['--runtime', runtime, '--handler', 'hello.main', '--from-file', join(folder.path, file)];
  await ok(gateway, 'function', 'deploy', 'hello', ...code, ...more);
  await eventually('it is ready', async () => (await ok(gateway, 'function', 'ls', 'hello')).includes('1/1 READY'), {
    within: 30_000,
  });
}

const pidOf = (answer: string): number => Number(answer.replace('hello ', ''));

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.each([
  { runtime: 'nodejs', file: 'hello.js', printed: 'hello {"name":"Ada"}' },
  { runtime: 'python', file: 'hello.py', printed: "hello {'name': 'Ada'}" },
])('a $runtime function, with nothing but the command line', ({ runtime, file, printed }) => {
  test('is deployed, called, read, counted, and gets the events of a trigger', async () => {
    await using gateway = await startGateway();
    await deploy(gateway, runtime, file);
    expect(await ok(gateway, 'function', 'call', 'hello', '--data', '{"name":"Ada"}')).toMatch(/^hello \d+\n$/);
    expect(await ok(gateway, 'function', 'logs', 'hello')).toBe(`${printed}\n`);
    expect(await ok(gateway, 'function', 'top')).toMatch(/^hello +default +POST +1 +0 +[\d.e-]+ +[\d.e-]+$/m);

    const selector = ['--function-selector', 'created-by=kubeless,function=hello'];
    await ok(gateway, 'trigger', 'kafka', 'create', 'greetings', '--trigger-topic', 'names', ...selector);
    await ok(gateway, 'topic', 'publish', '--topic', 'names', '--data', '{"name":"Ada"}');
    await eventually('the event has come', async () => {
      const logs = await ok(gateway, 'function', 'logs', 'hello');
      return logs === `${printed}\n${printed}\n`;
    });
    await eventually('it is accounted', async () => {
      const ledger = await gateway.ledger();
      return ledger.triggers[0]?.functions[0]?.delivered === 1 && checkLedger(ledger).length === 0;
    });
  });

  test('goes with a gateway that is killed, and comes again with the next', async () => {
    await using gateway = await startGateway();
    await deploy(gateway, runtime, file);
    const pid = pidOf(await ok(gateway, 'function', 'call', 'hello', '--data', '{}'));
    expect(isAlive(pid)).toBe(true);
    await gateway.kill('SIGKILL');
    await eventually('the function is gone', () => !isAlive(pid));
    await gateway.restart();
    await eventually('another process answers', async () => {
      const { code, stdout } = await commandOf(gateway, ['function', 'call', 'hello', '--data', '{}']);
      return code === 0 && pidOf(stdout) !== pid;
    });
  });
});

test('events of real Kafka reach a deployed function once each, also while it is replaced', async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers, { partitions: 2 });
  await using gateway = await startGateway({ env: { KAFKA_BROKERS: brokers.join(',') } });
  const seen = join(folder.path, 'seen');
  await deploy(gateway, 'nodejs', 'hello.js', '--env', `SEEN=${seen}`);
  const pid = pidOf(await ok(gateway, 'function', 'call', 'hello'));
  const selector = ['--function-selector', 'function=hello'];
  await ok(gateway, 'trigger', 'kafka', 'create', 'once', '--trigger-topic', topic.name, ...selector);
  const isConnected = async () => (await ok(gateway, 'trigger', 'kafka', 'ls', '-o', 'wide')).includes('True');
  await eventually('the trigger is ready', isConnected, { within: 30_000 });

  let produced = 0;
  let isReplaced = false;
  const producing = (async () => {
    for (; !isReplaced; produced += 20) await topic.produce(20, { from: produced });
  })();
  await ok(gateway, 'function', 'update', 'hello', '--env', `SEEN=${seen},VERSION=2`);
  const isAnother = async () => pidOf(await ok(gateway, 'function', 'call', 'hello')) !== pid;
  await eventually('another process answers', isAnother, { within: 30_000 });
  await eventually('the one before has gone', () => !isAlive(pid));
  isReplaced = true;
  await producing;

  const settled = async () => {
    const [counts] = (await gateway.ledger()).triggers[0]?.functions ?? [];
    return counts !== undefined && counts.claimed === produced && counts.inFlight === 0 && counts;
  };
  const counts = await eventually('all are accounted', settled, { within: 60_000 });
  expect(counts).toMatchObject({ read: produced, delivered: produced, rejected: 0, unknown: {}, dropped: {} });
  const ids = (await readFile(seen, 'utf8')).trim().split('\n');
  expect(ids).toHaveLength(produced);
  expect(new Set(ids).size).toBe(produced);
});
