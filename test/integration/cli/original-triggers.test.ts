import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject, ResourceType } from '../../../src/domain/resource.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { kafkaTriggerType } from '../../../triggers/kafka/spec.ts';
import { natsTriggerType } from '../../../triggers/nats/spec.ts';
import { BUILDING_MS } from '../../services/kube-apiserver/start.ts';
import { kubelessBinary } from '../../services/kubeless/kubeless.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import type { Result } from './command-line.ts';
import { type World, worlds } from './worlds.ts';

let folder: TempDir;
beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubelessBinary()]);
  folder = await tempDir('original');
  await writeFile(join(folder.path, 'payload.json'), '{"from":"a file"}');
}, BUILDING_MS);
afterAll(() => folder?.remove());

/** A command line without quotes; `@/` is the folder of the test. */
const words = (line: string): string[] =>
  line.split(' ').map((word) => (word.startsWith('@/') ? join(folder.path, word.slice(2)) : word));

/** What both say in the form of logrus: level and text. Ours goes on where Kubeless is done, which is stated where it is. */
const messages = ({ stderr }: Result): string[] =>
  [...stderr.matchAll(/level=(\w+) msg=(.*)$/gm)].map(([, level, text = '']) => {
    return `${level} ${text.startsWith('"') ? JSON.parse(text) : text}`;
  });

/** The cells of a table: Kubeless pads and divides them in another way. */
const cells = ({ stdout }: Result): string[][] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .trim()
        .split(/\s*\t\s*|\s{2,}/)
        .filter((cell) => cell !== ''),
    );

const written = ({ metadata, spec }: KubernetesObject) => ({ name: metadata.name, labels: metadata.labels, spec });

/** Commands in turn, on an empty server, and after each what there is. */
const scripts: Readonly<Record<'kafka' | 'nats' | 'cronjob', readonly (readonly string[])[]>> = {
  kafka: topicScripts('kafka'),
  nats: topicScripts('nats'),
  cronjob: [
    [
      'create t --function f --schedule @hourly --payload {"a":1}',
      'create t --function f --schedule @hourly --payload {"a":1}',
      'list',
      'update t --function g --schedule @daily -p {"b":[1,{"c":null}]}',
      'ls',
      'delete t',
      'delete t',
      'list',
    ],
    ['create t --function f --schedule @hourly --payload-from-file @/payload.json', 'list'],
    ['create t --function nobody --schedule @hourly'],
    ['update t --function f --schedule @hourly --payload {"a":1}'],
    ['create t --function f --schedule @hourly -p {} -f @/payload.json'],
  ],
};

function topicScripts(noun: string): readonly (readonly string[])[] {
  return [
    [
      'create t --trigger-topic orders --function-selector app=shop',
      'create t --trigger-topic orders --function-selector app=shop',
      'list',
      'update t --trigger-topic bills',
      'update t --function-selector app=shop,tier=web',
      'update t',
      'ls',
      'delete t',
      'delete t',
      'list',
    ],
    [
      'create t --trigger-topic a.b_c-d --function-selector created-by=kubeless,function=hello -n default',
      'list -n default',
    ],
    ['update t --trigger-topic orders'],
    ...(noun === 'kafka' ? [] : [['create t --trigger-topic orders.*.> --function-selector a=b', 'list']]),
  ];
}

const types: Readonly<Record<string, ResourceType>> = {
  kafka: kafkaTriggerType,
  nats: natsTriggerType,
  cronjob: cronJobTriggerType,
};

const cases = Object.entries(scripts).flatMap(([noun, all]) => all.map((script) => ({ noun, script })));

describe.each(worlds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
    for (const name of ['f', 'g']) {
      const metadata = { name, namespace: 'default' };
      const spec = { handler: 'a.b', runtime: 'nodejs14' };
      await world.resources.create(functionType, {
        apiVersion: 'kubeless.io/v1beta1',
        kind: 'Function',
        metadata,
        spec,
      });
    }
  }, BUILDING_MS);
  afterAll(() => world?.[Symbol.asyncDispose]());

  type Run = (args: readonly string[]) => Promise<Result>;
  const ours: Run = (args) => world.run(args, { isTty: false });
  /** Kubeless gives up when a controller wrote a status in between. */
  const theirs: Run = async (args) => {
    for (;;) {
      const result = await world.original(args);
      if (!result.stderr.includes('the object has been modified')) return result;
    }
  };

  async function played(run: Run, noun: string, script: readonly string[]) {
    const type = types[noun] ?? kafkaTriggerType;
    const steps = [];
    for (const line of script) {
      const result = await run(['trigger', noun, ...words(line)]);
      const { items } = await world.resources.list(type, { namespace: 'default' });
      const table = result.stdout === '' ? undefined : cells(result);
      steps.push({ line, code: result.code, table, messages: messages(result), stored: items.map(written) });
    }
    for (const { metadata } of (await world.resources.list(type, { namespace: 'default' })).items) {
      await world.resources.delete(type, 'default', metadata.name);
    }
    return steps;
  }

  test.each(cases)('trigger $noun $script is as with Kubeless', async ({ noun, script }) => {
    const expected = await played(theirs, noun, script);
    const found = await played(ours, noun, script);
    // After its own line `create` says what is selected, and an empty list says so: Kubeless is silent there.
    const more = /^(info|warning) (selects |No .+ triggers found)/;
    const compared = found.map((step) => ({ ...step, messages: step.messages.filter((text) => !more.test(text)) }));
    expect(compared).toEqual(expected);
  });

  test.each([
    ['trigger kafka create', 'kafka trigger name'],
    ['trigger nats create a b', 'NATS trigger name'],
    ['trigger nats delete', 'NATS trigger name'],
    ['trigger cronjob update', 'cronjob trigger name'],
  ])('%s is refused in the same words', async (line) => {
    const flags = line.includes('create') ? ['--trigger-topic', 'a', '--function-selector', 'a=b'] : [];
    const [expected, found] = [await theirs([...words(line), ...flags]), await ours([...words(line), ...flags])];
    expect([found.code, messages(found)]).toEqual([expected.code, messages(expected)]);
    expect(messages(found)[0]).toMatch(/^fatal Need exactly one argument - /);
  });

  test.each(['trigger kafka create t', 'trigger nats create t --trigger-topic a', 'trigger cronjob create t'])(
    '%s names the flags that are missing',
    async (line) => {
      const [expected, found] = [await theirs(words(line)), await ours(words(line))];
      expect(found.code).toBe(expected.code);
      // Cobra prints its usage below.
      const [, sentence] = /^Error: (.*)$/m.exec(expected.stderr) ?? [];
      expect(messages(found)).toEqual([`fatal ${sentence}`]);
    },
  );

  test.each(['kafka', 'nats'])(
    'trigger %s create --dryrun prints the same object, but for empty fields',
    async (noun) => {
      const line = `trigger ${noun} create t --trigger-topic orders --function-selector app=shop --dryrun -o json`;
      const [expected, found] = [await theirs(words(line)), await ours(words(line))];
      const { creationTimestamp: _, ...metadata } = JSON.parse(expected.stdout).metadata;
      expect(JSON.parse(found.stdout)).toEqual({ ...JSON.parse(expected.stdout), metadata });
      expect(found.stderr).toBe('');
    },
  );

  describe('what Kubeless does wrong is done right:', () => {
    const stored = async (run: Run, line: string) =>
      (await played(run, line.split(' ')[0] ?? '', [line.slice(line.indexOf(' ') + 1)]))[0]?.stored[0]?.spec;

    test('set-based selectors survive', async () => {
      const args = 'create t --trigger-topic orders --function-selector'.split(' ');
      const select = async (run: Run) => {
        await run(['trigger', 'kafka', ...args, 'app=a,tier in (x,y)']);
        const object = await world.resources.get<KubernetesObject>(kafkaTriggerType, 'default', 't');
        await world.resources.delete(kafkaTriggerType, 'default', 't');
        return object.spec;
      };
      expect(await select(theirs)).toEqual({ topic: 'orders', functionSelector: { matchLabels: { app: 'a' } } });
      expect(await select(ours)).toEqual({
        topic: 'orders',
        functionSelector: {
          matchLabels: { app: 'a' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['x', 'y'] }],
        },
      });
    });

    test('a cron trigger without a payload has none', async () => {
      const line = 'cronjob create t --function f --schedule @hourly';
      expect(await stored(theirs, line)).toEqual({ schedule: '@hourly', 'function-name': 'f', payload: {} });
      expect(await stored(ours, line)).toEqual({ schedule: '@hourly', 'function-name': 'f' });
    });
  });
});
