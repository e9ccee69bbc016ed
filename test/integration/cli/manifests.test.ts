import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { kafkaTriggerType } from '../../../triggers/kafka/spec.ts';
import { BUILDING_MS } from '../../services/kube-apiserver/start.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';
import { type World, worlds } from './worlds.ts';

const API = 'apiVersion: kubeless.io/v1beta1\n';
const trigger = (name: string, spec: string, metadata = '') =>
  `${API}kind: KafkaTrigger\nmetadata:\n  name: ${name}\n${metadata}spec: ${spec}\n`;

describe.each(worlds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    await kubeApiCanStart();
    world = await open();
    // An API server has its custom resources established before it has their storage.
    await eventually('all types are served', async () => (await world.run(['get', 'all', '-A'])).code === 0, {
      within: 30_000,
    });
  }, BUILDING_MS);
  afterAll(() => world?.[Symbol.asyncDispose]());

  const apply = (text: string, ...flags: string[]) =>
    world.run(['apply', '-f', '-', ...flags], { readInput: async () => Buffer.from(text) });
  const stored = (name: string) => world.resources.get<KubernetesObject>(kafkaTriggerType, 'default', name);

  test('apply creates, leaves alone what is so already, and changes what is not', async () => {
    const first = trigger('one', '{topic: a}', '  labels: {mine: "1", gone: "1"}\n');
    expect(await apply(first)).toEqual({ code: 0, stdout: 'kafkatrigger.kubeless.io/one created\n', stderr: '' });
    expect((await apply(first)).stdout).toBe('kafkatrigger.kubeless.io/one unchanged\n');
    // What somebody else put there stays; what the manifest no longer says goes.
    await world.resources.patch(kafkaTriggerType, 'default', 'one', { metadata: { labels: { theirs: '1' } } });
    const second = trigger('one', '{topic: b, paused: true}', '  labels: {mine: "2"}\n');
    expect((await apply(second)).stdout).toBe('kafkatrigger.kubeless.io/one configured\n');
    const { metadata, spec } = await stored('one');
    expect(metadata.labels).toEqual({ mine: '2', theirs: '1' });
    expect(spec).toEqual({ topic: 'b', paused: true });
    expect((await apply(second)).stdout).toBe('kafkatrigger.kubeless.io/one unchanged\n');
  });

  test('a dry run says what would be done and stores nothing; the server has its word with =server', async () => {
    const text = trigger('dry', '{topic: a}');
    expect((await apply(text, '--dry-run')).stdout).toBe('kafkatrigger.kubeless.io/dry created (dry run)\n');
    expect((await apply(text, '--dry-run=server')).stdout).toBe(
      'kafkatrigger.kubeless.io/dry created (server dry run)\n',
    );
    await expect(stored('dry')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const { stderr } = await apply(trigger('dry', '{topic: a}', '  namespace: nowhere-UP\n'), '--dry-run=server');
    expect(stderr).toContain('-:5:3: metadata.namespace must be at most 63 lower-case letters');
  });

  test('nothing is applied while one manifest has a problem', async () => {
    const result = await apply(`${trigger('good', '{topic: a}')}---\n${trigger('bad', '{topci: a}')}`);
    expect(result.stdout).toBe('');
    expect(result.stderr.split('\n')).toEqual([
      '-:11:1: spec.topic is missing.',
      '-:11:8: spec.topci is not a field that is known here (did you mean topic?).',
      'FATA[0000] 2 problems in the manifests: nothing was applied.',
      '',
    ]);
    await expect(stored('good')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a field that nobody would read is a problem, and does not keep the object from being deleted', async () => {
    const text = trigger('misspelled', '{topic: a}', '  label: {app: a}\n');
    expect((await apply(text)).stderr).toContain(
      '-:5:3: metadata.label is not a field that is known here (did you mean',
    );
    await apply(trigger('misspelled', '{topic: a}'));
    const deleted = await world.run(['delete', '-f', '-'], { readInput: async () => Buffer.from(text) });
    expect(deleted).toMatchObject({ code: 0, stdout: 'kafkatrigger.kubeless.io "misspelled" deleted\n' });
  });

  test('get prints what is there, in every form, and delete takes it away', async () => {
    await apply(
      `${trigger('g1', '{topic: a}', '  labels: {set: g}\n')}---\n${trigger('g2', '{topic: b}', '  labels: {set: g}\n')}`,
    );
    const table = (await world.run(['get', 'kt', '-l', 'set=g'])).stdout.split('\n');
    expect(table[0]).toMatch(/^NAME +TOPIC +READY +REASON +AGE$/);
    expect(table.slice(1, 3).map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ['g1', 'a'],
      ['g2', 'b'],
    ]);
    expect((await world.run(['get', 'kafkatrigger', 'g1', '--no-headers', '-A'])).stderr).toContain(
      'A name cannot stand',
    );
    expect(await world.run(['get', 'triggers', '-A', '-l', 'set=g', '-o', 'name'])).toEqual({
      code: 0,
      stdout: 'kafkatrigger.kubeless.io/g1\nkafkatrigger.kubeless.io/g2\n',
      stderr: '',
    });
    const template = '{range .items[*]}{.metadata.name}={.spec.topic} {end}';
    expect((await world.run(['get', 'kt', '-l', 'set=g', '-o', `jsonpath=${template}`])).stdout).toBe('g1=a g2=b ');
    const one = JSON.parse((await world.run(['get', 'kt/g1', '-o', 'json'])).stdout);
    expect(one).toMatchObject({ kind: 'KafkaTrigger', metadata: { name: 'g1' } });
    expect(one.metadata).not.toHaveProperty('managedFields');
    // What get prints can be applied.
    expect((await apply((await world.run(['get', 'kt', '-l', 'set=g', '-o', 'yaml'])).stdout)).code).toBe(0);

    // One that is not there keeps nobody from the others.
    const some = await world.run(['get', 'kt', 'nope', 'g1', '-o', 'name']);
    expect(some).toEqual({
      code: 1,
      stdout: 'kafkatrigger.kubeless.io/g1\n',
      stderr: 'WARN[0000] kafkatriggers.kubeless.io "nope" not found\nFATA[0000] 1 of 2 objects were not found.\n',
    });
    expect(await world.run(['delete', 'kt', 'nope', 'g1', '--dry-run=server'])).toEqual({
      code: 1,
      stdout: 'kafkatrigger.kubeless.io "g1" deleted (server dry run)\n',
      stderr: 'WARN[0000] kafkatriggers.kubeless.io "nope" not found\nFATA[0000] 1 of 2 objects were not deleted.\n',
    });

    expect((await world.run(['delete', 'kt', 'g1', 'g2', '--dry-run'])).stdout).toContain('"g2" deleted (dry run)\n');
    expect((await world.run(['delete', 'kt', '-l', 'set=g'])).stdout).toBe(
      'kafkatrigger.kubeless.io "g1" deleted\nkafkatrigger.kubeless.io "g2" deleted\n',
    );
    const gone = await world.run(['delete', 'kt', 'g1']);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('"g1" not found') });
    expect(await world.run(['delete', 'kt', 'g1', '--ignore-not-found'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await world.run(['get', 'kt', '-l', 'set=g'])).toMatchObject({
      code: 0,
      stderr: 'INFO[0000] No kafkatriggers found in namespace default with set=g.\n',
    });
  });

  test('a watch prints what is there, then each that changes, until it is stopped', async () => {
    await apply(trigger('w1', '{topic: a}', '  labels: {set: w}\n'));
    const stop = new AbortController();
    const lines: string[] = [];
    const watching = world.run(['trigger', 'kafka', 'list', '-w', '-l', 'set=w', '--no-headers'], {
      signal: stop.signal,
      stdout: {
        write: (text: string) => {
          lines.push(text);
          if (lines.length === 1) void apply(trigger('w2', '{topic: b}', '  labels: {set: w}\n'));
          if (text.startsWith('w2')) stop.abort();
        },
      },
    });
    expect(await watching).toMatchObject({ code: 0, stderr: '' });
    expect(lines.map((line) => line.trimEnd().split(/ +/))).toEqual([
      ['w1', 'default', 'a', '<none>'],
      ...lines.slice(1, -1).map(() => ['w1', 'default', 'a', '<none>']),
      ['w2', 'default', 'b', '<none>'],
    ]);
  });
});

describe('lint', () => {
  const lint = (text: string, ...args: string[]) =>
    commandLine(
      ['lint', '-', ...args],
      { TRIGATE_GATEWAY: 'http://127.0.0.1:1' },
      { readInput: async () => Buffer.from(text) },
    );

  it.each([
    [
      'a selector',
      trigger('t', '{topic: a, functionSelector: {matchLabels: {"a b": c}}}'),
      '5:51: spec.functionSelector.matchLabels.a b is invalid: the label key "a b"',
    ],
    [
      'a set without values',
      trigger('t', '\n  topic: a\n  functionSelector:\n    matchExpressions:\n    - {key: a, operator: In}'),
      '9:7: spec.functionSelector.matchExpressions[0] is invalid: the operator In needs',
    ],
    ['a subject', trigger('t', '{topic: a..b}').replace('Kafka', 'NATS'), '5:8: spec.topic must be a NATS subject'],
    [
      'a schedule',
      `${API}kind: CronJobTrigger\nmetadata: {name: t}\nspec: {schedule: '99 * * * *', function-name: f}\n`,
      '4:8: spec.schedule field 1 (minute): must be 0 to 59, found "99".',
    ],
    [
      'a field of metadata',
      trigger('t', '{topic: a}', '  lables: {}\n'),
      '5:3: metadata.lables is not a field that is known here (did you mean labels?).',
    ],
    [
      'a field of the delivery',
      trigger('t', '{topic: a, delivery: {concurency: 1}}'),
      '5:29: spec.delivery.concurency is not a field that is known here (did you mean concurrency?).',
    ],
    [
      'a field of a function',
      `${API}kind: Function\nmetadata: {name: f}\nspec: {handlr: a.b}\n`,
      '4:8: spec.handlr is not a field that is known here (did you mean handler?).',
    ],
    ['a kind', trigger('t', '{topic: a}').replace('KafkaTrigger', 'KafkaTriger'), '2:1: kind must be one of'],
    [
      'a second of the same name',
      `${trigger('t', '{topic: a}')}---\n${trigger('t', '{topic: b}')}`,
      '7:1: KafkaTrigger default/t is already declared in -:1.',
    ],
    ['YAML that is none', 'a: [\n', '2:1: The YAML is broken: '],
  ])('finds %s, and where it stands', async (_, text, finding) => {
    const { code, stdout, stderr } = await lint(text);
    expect(stdout.split('\n')).toContainEqual(expect.stringContaining(`-:${finding}`));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^FATA\[0000\] \d problems? found, \d objects? checked\.\n$/),
    });
    expect(JSON.parse((await lint(text, '-o', 'json')).stdout)[0]).toMatchObject({ file: '-' });
  });

  it('prints what somebody wrote without what would steer a terminal', async () => {
    const hostile = trigger('t', '{topic: a, "\\e]0;pwned\\a\\x9b2J": 1}');
    const { stdout } = await lint(hostile);
    expect(stdout).toContain('pwned');
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
    const json = (await lint(hostile, '-o', 'json')).stdout;
    expect(json).not.toMatch(/[^\P{Cc}\n]/u);
    expect(JSON.parse(json)[0].message).toContain('\u009b2J');
    const applied = await commandLine(
      ['apply', '-f', '-'],
      { TRIGATE_GATEWAY: 'http://127.0.0.1:1' },
      { readInput: async () => Buffer.from(hostile) },
    );
    expect(applied.stderr).toContain('pwned');
    expect(applied.stderr).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('is content with what is good, and passes by what is not ours', async () => {
    await using folder = await tempDir('lint');
    await mkdir(join(folder.path, 'sub'));
    await writeFile(join(folder.path, 'a.yaml'), trigger('t', '{topic: a}'));
    await writeFile(join(folder.path, 'b.yaml'), 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n');
    expect(await commandLine(['lint', folder.path])).toEqual({
      code: 0,
      stdout: '',
      stderr:
        'INFO[0000] 1 object of other kinds passed by: Deployment (apps/v1).\nINFO[0000] No problems found, 1 object checked.\n',
    });
    expect((await commandLine(['lint', join(folder.path, 'none')])).stdout).toContain(
      'none:1:1: The file or folder cannot be read',
    );
    expect((await commandLine(['lint'])).stderr).toContain('Name a file, a folder or - for standard input.');
  });
});
