import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';
import { fakeGateway, list, ok, refused } from './fake-gateway.ts';

const SORTS = [
  { noun: 'kafka', title: 'Kafka', kind: 'KafkaTrigger', plural: 'kafkatriggers' },
  { noun: 'nats', title: 'NATS', kind: 'NATSTrigger', plural: 'natstriggers' },
];
const path = (plural: string, namespace: string, name = '') =>
  `/apis/kubeless.io/v1beta1/namespaces/${namespace}/${plural}${name && `/${name}`}`;
const FUNCTIONS = `GET ${path('functions', 'default')}`;
const named = (name: string, labels = {}) => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'Function',
  metadata: { name, labels },
});
const UNREACHABLE = { TRIGATE_GATEWAY: 'http://127.0.0.1:1' };

describe.each(SORTS)('trigger $noun', ({ noun, title, kind, plural }) => {
  const stored = (name: string, namespace: string, spec: unknown, status?: unknown) => ({
    apiVersion: 'kubeless.io/v1beta1',
    kind,
    metadata: { name, namespace, resourceVersion: '5' },
    spec,
    status,
  });
  const create = ['trigger', noun, 'create', 'pay', '--trigger-topic', 'orders', '--function-selector'];

  it('creates with the label of Kubeless and says which functions match', async () => {
    await using gateway = await fakeGateway({
      [`POST ${path(plural, 'default')}`]: ok(stored('pay', 'default', {})),
      [FUNCTIONS]: list(
        named('pay-b', { app: 'pay', tier: 'b' }),
        named('pay-a', { app: 'pay', tier: 'a' }),
        named('x'),
      ),
    });
    const result = await commandLine([...create, 'app=pay,tier in (a,b)', '--gateway', gateway.url]);
    expect(result).toEqual({
      code: 0,
      stdout: '',
      stderr:
        `INFO[0000] ${title} trigger pay created in namespace default successfully!\n` +
        'INFO[0000] selects 2 functions: pay-a, pay-b\n',
    });
    expect(JSON.parse(gateway.received[0]?.body ?? '')).toEqual({
      apiVersion: 'kubeless.io/v1beta1',
      kind,
      metadata: { name: 'pay', namespace: 'default', labels: { 'created-by': 'kubeless' } },
      spec: {
        topic: 'orders',
        functionSelector: {
          matchLabels: { app: 'pay' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
        },
      },
    });
  });

  it.each([
    [
      'app=orders',
      [named('api', { app: 'order' })],
      'no Function in namespace default has app=orders; nearest: api (app=order)',
    ],
    ['app=orders', [named('api')], 'no Function in namespace default has app=orders'],
    ['', [], 'namespace default has no Function'],
  ])('warns that %j selects no function yet', async (selector, functions, why) => {
    await using gateway = await fakeGateway({
      [`POST ${path(plural, 'default')}`]: ok(stored('pay', 'default', {})),
      [FUNCTIONS]: list(...functions),
    });
    const { stderr } = await commandLine([...create, selector, '--gateway', gateway.url]);
    expect(stderr).toContain(`WARN[0000] selects no function yet: ${why}\n`);
  });

  it('passes on why the server refuses', async () => {
    await using gateway = await fakeGateway({
      [`POST ${path(plural, 'default')}`]: refused(409, 'AlreadyExists', 'it exists'),
    });
    expect(await commandLine([...create, 'app=pay', '--gateway', gateway.url])).toEqual({
      code: 1,
      stdout: '',
      stderr: `FATA[0000] Failed to create ${title} trigger object pay in namespace default. Error: it exists\n`,
    });
  });

  it.each(['--dryrun', '--dry-run'])('prints the manifest with %s and asks nobody', async (flag) => {
    const result = await commandLine([...create, 'app', flag, '-n', 'shop'], UNREACHABLE);
    expect(result).toEqual({
      code: 0,
      stderr: '',
      stdout: `apiVersion: kubeless.io/v1beta1
kind: ${kind}
metadata:
  name: pay
  namespace: shop
  labels:
    created-by: kubeless
spec:
  topic: orders
  functionSelector:
    matchExpressions:
      - key: app
        operator: Exists
`,
    });
    const json = await commandLine([...create, 'app', flag, '-n', 'shop', '-o', 'json'], UNREACHABLE);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind, metadata: { name: 'pay' } });
  });

  it('keeps on update what is not given, and replaces a selector as a whole', async () => {
    const functionSelector = { matchExpressions: [{ key: 'app', operator: 'Exists' }] };
    const spec = { topic: 'orders', functionSelector, paused: true };
    await using gateway = await fakeGateway({
      [`GET ${path(plural, 'shop', 'pay')}`]: ok(stored('pay', 'shop', spec)),
      [`PUT ${path(plural, 'shop', 'pay')}`]: ok(stored('pay', 'shop', spec)),
      [`GET ${path('functions', 'shop')}`]: list(named('a', { app: 'pay' })),
    });
    const update = ['trigger', noun, 'update', 'pay', '-n', 'shop', '--gateway', gateway.url];
    const puts = () =>
      gateway.received.filter(({ line }) => line.startsWith('PUT')).map(({ body }) => JSON.parse(body));

    const topic = await commandLine([...update, '--trigger-topic', 'bills', '--function-selector', '']);
    expect(topic.stderr).toBe(`INFO[0000] ${title} trigger pay updated in namespace shop successfully!\n`);
    expect(puts()).toEqual([stored('pay', 'shop', { ...spec, topic: 'bills' })]);

    const selector = await commandLine([...update, '--function-selector', 'app=pay']);
    expect(selector.stderr).toContain('INFO[0000] selects 1 function: a\n');
    expect(puts()[1].spec).toEqual({ ...spec, functionSelector: { matchLabels: { app: 'pay' } } });
  });

  it('says which trigger an update does not find', async () => {
    await using gateway = await fakeGateway({});
    const { stderr } = await commandLine(['trigger', noun, 'update', 'pay', '--gateway', gateway.url]);
    expect(stderr).toBe(`FATA[0000] Unable to find ${title} trigger pay in namespace default. Error not found\n`);
  });

  it('deletes', async () => {
    await using gateway = await fakeGateway({ [`DELETE ${path(plural, 'shop', 'pay')}`]: ok({ kind: 'Status' }) });
    const result = await commandLine(['trigger', noun, 'delete', 'pay', '-n', 'shop', '--gateway', gateway.url]);
    expect(result.stderr).toBe(`INFO[0000] ${title} trigger pay deleted from namespace shop successfully!\n`);
    expect(result.code).toBe(0);
  });

  it.each(['list', 'ls'])('%s prints a table', async (verb) => {
    await using gateway = await fakeGateway({
      [`GET ${path(plural, 'default')}`]: list(
        stored('pay', 'default', {
          topic: 'orders',
          functionSelector: { matchLabels: { app: 'pay' }, matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] },
        }),
        stored('all', 'default', { topic: 'a-rather-long-topic' }, { functions: ['f', 'g'] }),
      ),
    });
    expect(await commandLine(['trigger', noun, verb, '--gateway', gateway.url])).toEqual({
      code: 0,
      stderr: '',
      stdout: `NAME   NAMESPACE   TOPIC                 FUNCTION SELECTOR
all    default     a-rather-long-topic   <none>
pay    default     orders                app=pay,!x
`,
    });
    const wide = await commandLine(['trigger', noun, verb, '-o', 'wide', '--gateway', gateway.url]);
    expect(wide.stdout).toMatch(/<none> +Unknown +f,g +<unknown>\n/);
  });

  it('prints the heads of an empty table, and says so aside', async () => {
    await using gateway = await fakeGateway({ [`GET /apis/kubeless.io/v1beta1/${plural}`]: list() });
    expect(await commandLine(['trigger', noun, 'list', '-A', '--gateway', gateway.url])).toEqual({
      code: 0,
      stdout: 'NAME   NAMESPACE   TOPIC   FUNCTION SELECTOR\n',
      stderr: `INFO[0000] No ${title} triggers found in any namespace.\n`,
    });
  });
});

describe('what is wrong is said in one sentence, before anybody is asked', () => {
  const kafka = ['trigger', 'kafka', 'create'];
  const complete = ['--trigger-topic', 'orders', '--function-selector', 'a=b'];
  it.each([
    [[...kafka], 'Need exactly one argument - kafka trigger name'],
    [['trigger', 'nats', 'delete', 'a', 'b'], 'Need exactly one argument - NATS trigger name'],
    [[...kafka, 'pay'], 'required flag(s) "function-selector", "trigger-topic" not set'],
    [[...kafka, 'Pay', ...complete], 'The Kafka trigger name must be at most 253 lower-case letters'],
    [[...kafka, 'pay', ...complete, '-n', 'a b'], 'The namespace must be at most 63 lower-case letters'],
    [[...kafka, 'pay', '--trigger-topic', 'a/b', '--function-selector', ''], '--trigger-topic must consist of letters'],
    [
      ['trigger', 'nats', 'create', 'p', '--trigger-topic', 'a..b', '--function-selector', ''],
      '--trigger-topic must be a NATS subject',
    ],
    [
      [...kafka, 'pay', '--trigger-topic', 'a', '--function-selector', 'a in b'],
      'Invalid label selector specified: The',
    ],
    [
      [...kafka, 'pay', ...complete, '--dryrun', '-o', 'xml'],
      'Output format needs to be yaml, json, name or jsonpath=TEMPLATE, found "xml".',
    ],
    [[...kafka, 'pay', ...complete, '--funtion-selector', 'x'], "unknown option '--funtion-selector' (Did you mean"],
    [['trigger', 'kafka', 'craete'], "unknown command 'craete' (Did you mean create?)"],
    [['triger'], "unknown command 'triger' (Did you mean trigger?)"],
    [['trigger', 'kafka', 'list'], 'Cannot reach http://127.0.0.1:1'],
    [['trigger', 'kafka', 'list', '--gateway', 'gw'], '--gateway must be an http:// or https:// URL, found "gw".'],
  ])('%j', async (args, sentence) => {
    const result = await commandLine(args, UNREACHABLE);
    expect(result.stderr).toContain(`FATA[0000] ${sentence}`);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result).toMatchObject({ code: 1, stdout: '' });
  });
});
