import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { functionResource } from '../../domain/function.ts';
import type { ServedType } from '../../domain/resource.ts';
import { specIssues } from '../../domain/schema.ts';
import { labelSelector } from '../../domain/trigger.ts';
import { readManifests } from './read.ts';

const triggerSpec = z.strictObject({ topic: z.string(), functionSelector: labelSelector.default({}) });
const triggerResource: ServedType = {
  ...functionResource,
  kind: 'KafkaTrigger',
  plural: 'kafkatriggers',
  singular: 'kafkatrigger',
  validate: (object) => specIssues(triggerSpec, object),
};
const types = [functionResource, triggerResource];

/** A folder with these files, removed after the test. */
async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trigate-manifests-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** `line:column: message` of each problem. */
const problemsOf = async (text: string, name = 'a.yaml'): Promise<string[]> => {
  const { problems } = await readManifests([await folderWith({ [name]: text })], types);
  return problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
};

const TRIGGER = 'apiVersion: kubeless.io/v1beta1\nkind: KafkaTrigger\n';
const FUNCTION = 'apiVersion: kubeless.io/v1beta1\nkind: Function\n';

describe('a problem is told with its place and one sentence', () => {
  test.each([
    ['broken YAML', 'kind: [a\nb: 1\n', /^[12]:\d+: The YAML is broken: /],
    ['a key given twice', `${TRIGGER}kind: Function\n`, /^3:1: The YAML is broken: .*unique/],
    [
      'text instead of an object',
      'hello',
      /^1:1: The document must be an object with apiVersion, kind, metadata and spec\.$/,
    ],
    [
      'a misspelled field of the metadata',
      `${FUNCTION}metadata: {name: a, label: {app: a}}\nspec: {runtime: nodejs24, handler: a.b, function: x}\n`,
      /^3:21: metadata\.label is not a field that is known here \(did you mean labels\?\)\.$/,
    ],
    [
      'a misspelled field of a Function',
      `${FUNCTION}metadata: {name: a}\nspec: {runtime: nodejs24, handler: a.b, functoin: x}\n`,
      /^4:41: spec\.functoin is not a field that is known here \(did you mean function\?\)\.$/,
    ],
    [
      'a misspelled field beside the spec',
      `${TRIGGER}metadata: {name: a}\nspec: {topic: t}\nspecs: {}\n`,
      /^5:1: specs is not a field that is known here \(did you mean spec\?\)\.$/,
    ],
    ['no apiVersion', 'kind: Function\nmetadata:\n  name: a\n', /^1:1: apiVersion is missing\.$/],
    ['no kind', 'apiVersion: kubeless.io/v1beta1\nmetadata: {name: a}\n', /^1:1: kind is missing\.$/],
    [
      'an unknown kind',
      'apiVersion: kubeless.io/v1beta1\nkind: KafkaTriger\nmetadata: {name: a}\n',
      /^2:1: kind must be one of Function, KafkaTrigger, found "KafkaTriger"\.$/,
    ],
    [
      'an unknown apiVersion',
      '# c\napiVersion: kubeless.io/v1\nkind: Function\nmetadata: {name: a}\n',
      /^2:1: apiVersion must be one of kubeless\.io\/v1beta1, found "kubeless\.io\/v1"\.$/,
    ],
    ['no name', `${TRIGGER}metadata:\n  labels: {}\n`, /^3:1: metadata\.name is missing\.$/],
    ['a number as a name', `${TRIGGER}metadata:\n  name: 7\n`, /^4:3: metadata\.name must be a string, found 7\.$/],
    ['a name with capitals', `${TRIGGER}metadata:\n  name: Orders\n`, /^4:3: metadata\.name must be an RFC 1123 name/],
    [
      'a namespace with a dot',
      `${TRIGGER}metadata:\n  name: a\n  namespace: a.b\n`,
      /^5:3: metadata\.namespace must be .*found "a\.b"\.$/,
    ],
    [
      'a number as a label',
      `${TRIGGER}metadata:\n  name: a\n  labels:\n    tier: 1\n`,
      /^6:5: metadata\.labels\.tier must be a string, found 1\.$/,
    ],
    ['no spec', `${TRIGGER}metadata:\n  name: a\n`, /^1:1: spec is missing\.$/],
    [
      'a missing field',
      `${TRIGGER}metadata: {name: a}\nspec:\n  functionSelector: {}\n`,
      /^4:1: spec\.topic is missing\.$/,
    ],
    [
      'a field of another type',
      `${TRIGGER}metadata: {name: a}\nspec:\n  functionSelector: {}\n  topic: 5\n`,
      /^6:3: spec\.topic must be a string, found 5\.$/,
    ],
    [
      'an element of a list',
      `${TRIGGER}metadata: {name: a}\nspec:\n  topic: t\n  functionSelector:\n    matchExpressions:\n      - key: a\n        operator: Is\n`,
      /^9:9: spec\.functionSelector\.matchExpressions\[0\]\.operator must be one of In, /,
    ],
    [
      'the second document',
      `${FUNCTION}metadata: {name: a}\nspec: {}\n---\n${TRIGGER}metadata: {name: b}\nspec: {topic: 1}\n`,
      /^9:8: spec\.topic must be a string, found 1\.$/,
    ],
  ])('%s', async (_, text, expected) => {
    const [problem] = await problemsOf(text);
    expect(problem).toMatch(expected);
  });

  test('of a JSON file too', async () => {
    const text = '{\n  "apiVersion": "kubeless.io/v1beta1",\n\t"kind": "Nothing",\n  "metadata": {"name": "a"}\n}\n';
    expect(await problemsOf(text, 'a.json')).toEqual([
      '3:2: kind must be one of Function, KafkaTrigger, found "Nothing".',
    ]);
  });

  test('all problems of a document at once', async () => {
    const text = `${TRIGGER}metadata:\n  name: a\n  labels: {a: 1, b: true}\n`;
    expect(await problemsOf(text)).toHaveLength(2);
  });

  test('a path that does not exist', async () => {
    const { problems } = await readManifests(['/nowhere/at/all'], types);
    expect(problems).toEqual([
      { file: '/nowhere/at/all', line: 1, column: 1, message: 'The file or folder cannot be read: It does not exist.' },
    ]);
  });
});

test('the good documents beside bad ones are read, in the order of the types', async () => {
  const folder = await folderWith({
    'a.yaml': `${TRIGGER}metadata: {name: t}\nspec: {topic: t}\n---\n---\n${TRIGGER}metadata: {name: bad}\nspec: {}\n`,
    'b.yml': `${FUNCTION}metadata: {name: f}\nspec: {endpoint: 'http://localhost:1'}\n`,
    'c.yaml': ': : :\n- [',
    '.hidden.yaml': 'nothing',
    'notes.txt': 'nothing',
  });
  const { objects, problems } = await readManifests([folder], types);
  expect(objects.map(({ object }) => `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`)).toEqual([
    'Function default/f',
    'KafkaTrigger default/t',
  ]);
  expect(new Set(problems.map(({ file }) => file))).toEqual(new Set([join(folder, 'a.yaml'), join(folder, 'c.yaml')]));
});

test('the items of a list are objects of their own, where they stand', async () => {
  const item = (name: string, spec: string) =>
    `- ${TRIGGER.replaceAll('\n', '\n  ')}metadata: {name: ${name}}\n  spec: ${spec}\n`;
  const input = `apiVersion: v1\nkind: List\nitems:\n${item('a', '{topic: t}')}${item('b', '{}')}`;
  const { objects, problems } = await readManifests(['-'], types, { input });
  expect(objects.map(({ object, position }) => [object.metadata.name, position.line])).toEqual([['a', 4]]);
  expect(problems).toEqual([{ file: '-', line: 11, column: 3, message: 'spec.topic is missing.' }]);
});

test('objects of other API groups are problems, unless they are passed by', async () => {
  const input = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n';
  const refused = await readManifests(['-'], types, { input });
  expect(refused.problems[0]?.message).toMatch(/^apiVersion must be one of .+, found "apps\/v1"\.$/);
  const passed = await readManifests(['-'], types, { input, passForeign: true });
  expect(passed.problems).toEqual([]);
  expect(passed.foreign).toMatchObject([{ message: 'Deployment (apps/v1)' }]);
  const typo = input.replace('apps/v1', 'kubeles.io/v1beta1');
  expect((await readManifests(['-'], types, { input: typo, passForeign: true })).problems).toHaveLength(1);
});

test('a field that is not known is said with the one that is nearest', async () => {
  const input = `${TRIGGER}metadata: {name: t}\nspec: {topic: t, funtionSelector: {}}\n`;
  const { problems } = await readManifests(['-'], types, { input });
  expect(problems.map(({ message }) => message)).toEqual([
    'spec.funtionSelector is not a field that is known here (did you mean functionSelector?).',
  ]);
});

test('an object that is declared twice is a problem of the second place', async () => {
  const text = `${TRIGGER}metadata: {name: t}\nspec: {topic: t}\n`;
  const folder = await folderWith({ 'a.yaml': text, 'b.yaml': `# second\n${text}` });
  const { objects, problems } = await readManifests([folder], types);
  expect(objects).toHaveLength(1);
  expect(problems).toEqual([
    {
      file: join(folder, 'b.yaml'),
      line: 2,
      column: 1,
      message: `KafkaTrigger default/t is already declared in ${join(folder, 'a.yaml')}:1.`,
    },
  ]);
});

describe('trigate.dev/from-file', () => {
  const manifest = (file: string) =>
    `${FUNCTION}metadata:\n  name: f\n  annotations:\n    trigate.dev/from-file: ${file}\nspec:\n  runtime: nodejs\n`;

  test('puts the text of the file into spec.function', async () => {
    const folder = await folderWith({ 'f.yaml': manifest('code/f.js'), 'code/f.js': 'exports.f = 1;\n' });
    const { objects, folders } = await readManifests([folder], types);
    expect(objects[0]?.object.spec).toEqual({
      runtime: 'nodejs',
      function: 'exports.f = 1;\n',
      'function-content-type': 'text',
    });
    expect(folders).toEqual([folder, join(folder, 'code')]);
  });

  test.each([
    ['..', '../secret.js', 'must stay inside the folder of the manifests, found "../secret.js"'],
    ['an absolute path', '/etc/hostname', 'must stay inside the folder of the manifests, found "/etc/hostname"'],
    ['a symbolic link', 'link.js', 'must not lead out of the folder by a symbolic link, found "link.js"'],
    ['a missing file', 'none.js', 'names a file that cannot be read: "none.js" (ENOENT)'],
  ])('does not follow %s', async (_, file, sentence) => {
    const outer = await folderWith({ 'secret.js': 'x', 'in/f.yaml': manifest(file) });
    await symlink(join(outer, 'secret.js'), join(outer, 'in/link.js'));
    const { objects, problems } = await readManifests([join(outer, 'in')], types);
    expect(objects).toEqual([]);
    expect(problems).toEqual([
      {
        file: join(outer, 'in/f.yaml'),
        line: 6,
        column: 5,
        message: `metadata.annotations.trigate.dev/from-file ${sentence}.`,
      },
    ]);
  });

  test('cannot stand beside spec.function', async () => {
    const folder = await folderWith({ 'f.yaml': `${manifest('f.js')}  function: x\n`, 'f.js': 'y' });
    const { problems } = await readManifests([folder], types);
    expect(problems[0]?.message).toContain('cannot stand beside spec.function');
  });
});
