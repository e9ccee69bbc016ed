import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { installCrds, kubectl, kubectlOk } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';

let api: KubeApi;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  api = await startKubeApi();
  await installCrds(api, (await command(['crds'])).stdout);
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
});

const object = (kind: string, name: string, spec: unknown): string =>
  stringify({ apiVersion: 'kubeless.io/v1beta1', kind, metadata: { name }, spec });

const kafka = (more: object): unknown => ({
  topic: 'orders',
  functionSelector: { matchLabels: { app: 'a' } },
  ...more,
});

const good: readonly [title: string, kind: string, spec: unknown][] = [
  ['a trigger as Kubeless makes it', 'KafkaTrigger', kafka({})],
  ['a selector that selects every function', 'KafkaTrigger', { topic: 'orders' }],
  ['a topic that begins with two dots', 'KafkaTrigger', kafka({ topic: '..a' })],
  [
    'durations in words and in seconds',
    'KafkaTrigger',
    kafka({ delivery: { ttl: '1m30s', timeout: 20, stall: '2.5' } }),
  ],
  [
    'set-based expressions',
    'KafkaTrigger',
    {
      topic: 'a',
      functionSelector: {
        matchExpressions: [
          { key: 'a', operator: 'In', values: ['b'] },
          { key: 'c', operator: 'Exists' },
        ],
      },
    },
  ],
  ['a NATS subject with wildcards', 'NATSTrigger', { topic: 'orders.*.>' }],
  ['a stream of JetStream', 'NATSTrigger', { topic: 'orders.>', jetstream: { stream: 'ORDERS' } }],
  ['a schedule of Kubeless', 'CronJobTrigger', { schedule: '*/5 * * * *', 'function-name': 'f', payload: {} }],
  [
    'a schedule with a payload of any form',
    'CronJobTrigger',
    { schedule: '@daily', functionSelector: {}, payload: [1] },
  ],
  ['a function with code', 'Function', { handler: 'a.b', runtime: 'python3.7', function: 'x', timeout: '180' }],
  ['a function by its address', 'Function', { endpoint: 'http://a.example:8080/x' }],
];

const bad: readonly [title: string, kind: string, spec: unknown, said: string][] = [
  ['no spec', 'KafkaTrigger', undefined, 'spec: Required value'],
  ['no topic', 'KafkaTrigger', { functionSelector: {} }, 'spec.topic: Required value'],
  [
    'a topic of other letters',
    'KafkaTrigger',
    kafka({ topic: 'a b' }),
    'must consist of letters, digits, ".", "_" and "-", and not be "." or "..", found "a b"',
  ],
  ['a topic of dots', 'KafkaTrigger', kafka({ topic: '..' }), 'and not be "." or "..", found ".."'],
  ['a long topic', 'KafkaTrigger', kafka({ topic: 'a'.repeat(250) }), 'spec.topic: Too long: may not be more than 249'],
  [
    'another fan-out',
    'KafkaTrigger',
    kafka({ fanout: 'all' }),
    'spec.fanout: Unsupported value: "all": supported values: "isolated", "shared"',
  ],
  [
    'no concurrency',
    'KafkaTrigger',
    kafka({ delivery: { concurrency: 0 } }),
    'spec.delivery.concurrency: Invalid value: 0: spec.delivery.concurrency in body should be greater than or equal to 1',
  ],
  [
    'a fraction of a call',
    'KafkaTrigger',
    kafka({ delivery: { concurrency: 1.5 } }),
    'spec.delivery.concurrency: Invalid value: "number": spec.delivery.concurrency in body must be of type integer',
  ],
  [
    'a rate of nothing',
    'KafkaTrigger',
    kafka({ delivery: { rate: 0 } }),
    'spec.delivery.rate: Invalid value: 0: spec.delivery.rate in body should be greater than 0',
  ],
  [
    'no duration',
    'KafkaTrigger',
    kafka({ delivery: { ttl: 'soon' } }),
    'must be a duration such as 500ms, 30s, 5m or 24h, found "soon"',
  ],
  ['a duration below nothing', 'KafkaTrigger', kafka({ delivery: { ttl: -1 } }), '5m or 24h, found "-1"'],
  [
    'an operator that wants values',
    'KafkaTrigger',
    { topic: 'a', functionSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    'operators In and NotIn need values; Exists and DoesNotExist take none',
  ],
  [
    'another operator',
    'KafkaTrigger',
    { topic: 'a', functionSelector: { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] } },
    'supported values: "In", "NotIn", "Exists", "DoesNotExist"',
  ],
  ['a misspelt field', 'KafkaTrigger', kafka({ deliveri: {} }), 'unknown field "spec.deliveri"'],
  [
    'a subject with an empty token',
    'NATSTrigger',
    { topic: 'a..b' },
    'with "*" for one token and ">" for all that follow, found "a..b"',
  ],
  ['a handler without a function', 'Function', { handler: 'main' }, 'must be module.function, found "main"'],
  [
    'an address of another protocol',
    'Function',
    { endpoint: 'ftp://a' },
    'must be an http:// or https:// URL, found "ftp://a"',
  ],
];

describe('on a real API server', () => {
  test.each(good)('%s is taken', async (title, kind, spec) => {
    const name = title.replaceAll(/\W+/g, '-').toLowerCase();
    expect(await kubectlOk(api, ['create', '-f', '-'], object(kind, name, spec))).toContain(`${name} created`);
  });

  test.each(bad)('%s is refused', async (_, kind, spec, said) => {
    const { code, stderr } = await kubectl(api, ['create', '-f', '-'], object(kind, 'bad', spec));
    expect(stderr).toContain(said);
    expect(code).toBe(1);
  });

  test('the fan-out of a trigger stays', async () => {
    await kubectlOk(api, ['create', '-f', '-'], object('KafkaTrigger', 'stays', kafka({})));
    const patch = (spec: object) =>
      kubectl(api, ['patch', 'kt', 'stays', '--type=merge', '-p', JSON.stringify({ spec })]);
    expect(await patch({ fanout: 'isolated' })).toMatchObject({ code: 0 });
    expect((await patch({ fanout: 'shared' })).stderr).toContain('fanout cannot be changed on an existing trigger');
    expect(await patch({ topic: 'others' })).toMatchObject({ code: 0 });
  });

  test('what Kubeless puts into a function is kept, and no default is written into an object', async () => {
    const spec = {
      handler: 'a.b',
      deployment: { spec: { template: { spec: { containers: [{ name: 'x', env: [{ name: 'A', value: 'b' }] }] } } } },
      horizontalPodAutoscaler: { metadata: { name: 'scaled' } },
      checksum: 'sha256:00',
    };
    await kubectlOk(api, ['create', '-f', '-'], object('Function', 'whole', spec));
    expect(JSON.parse(await kubectlOk(api, ['get', 'fn', 'whole', '-o', 'json']))).toMatchObject({ spec });
    await kubectlOk(api, ['create', '-f', '-'], object('KafkaTrigger', 'plain', kafka({})));
    expect(JSON.parse(await kubectlOk(api, ['get', 'kt', 'plain', '-o', 'json'])).spec).toEqual(kafka({}));
  });

  test('kubectl explains the fields in the words of their declaration', async () => {
    expect(await kubectlOk(api, ['explain', 'kafkatrigger'])).toContain(
      'Calls functions with the events of a Kafka topic, at most once.',
    );
    expect(await kubectlOk(api, ['explain', 'kt.spec.delivery.ttl'])).toMatch(
      /From the claim to the first byte.*Default:\s+30s/s,
    );
    expect(await kubectlOk(api, ['explain', 'kt.spec', '--recursive'])).toMatch(
      /onOffsetsLost\s+<string>\s+enum: hold, newest, earliest/,
    );
  });

  test('lists show columns; short names and categories work; the status is a subresource of its own', async () => {
    await kubectlOk(api, ['create', 'namespace', 'shown']);
    await kubectlOk(api, ['create', '-n', 'shown', '-f', '-'], object('NATSTrigger', 'one', { topic: 'a.>' }));
    const condition = { type: 'Ready', status: 'False', reason: 'NoFunction', message: 'none' };
    const status = { conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] };
    const patch = ['patch', '-n', 'shown', 'nt', 'one', '--type=merge', '--subresource=status', '-p'];
    await kubectlOk(api, [...patch, JSON.stringify({ status })]);
    expect(await kubectlOk(api, ['get', '-n', 'shown', 'trigate'])).toMatch(
      /NAME +TOPIC +READY +REASON +AGE\n\S+one +a\.> +False +NoFunction +\d+s/,
    );
  });
});
