import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';
import { fakeGateway, list, ok } from './fake-gateway.ts';

const ID = 'abcdefghijklmno';
const API = '/apis/kubeless.io/v1beta1';
const object = (kind: string, namespace: string, name: string, spec: unknown, labels = {}) => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind,
  metadata: { name, namespace, labels },
  spec,
});
const fn = (name: string, labels = {}) => object('Function', 'default', name, {}, labels);
const SHOP = { matchLabels: { app: 'shop' } };
const source = { type: 'kafka', topic: 'orders', partition: 0, offset: '12' };
const row = (functions: unknown[]) => ({
  type: 'event',
  cursor: 'a-1',
  id: ID,
  time: '2026-01-02T03:04:05.000Z',
  kind: 'kafka',
  namespace: 'default',
  trigger: 'pay',
  source,
  functions,
});

const gatewayWith = (...events: unknown[]) =>
  fakeGateway({
    'GET /v1/events': ok({ events, next: 'a-2', skipped: 0 }),
    [`GET ${API}/kafkatriggers`]: list(
      object('KafkaTrigger', 'default', 'pay', { topic: 'orders', functionSelector: SHOP }),
      object('KafkaTrigger', 'default', 'still', { topic: 'orders', functionSelector: SHOP, paused: true }),
    ),
    [`GET ${API}/natstriggers`]: list(object('NATSTrigger', 'other', 'mail', { topic: 'orders.>' })),
    [`GET ${API}/cronjobtriggers`]: list(),
    [`GET ${API}/namespaces/default/functions`]: list(fn('api', { app: 'shop' }), fn('mail', { app: 'post' })),
    [`GET ${API}/namespaces/other/functions`]: list(),
  });

const run = (gateway: { url: string }, ...args: string[]) =>
  commandLine(['explain', ...args], { TRIGATE_GATEWAY: gateway.url });
const cells = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {3,}/));

describe('explain of an event', () => {
  it('says for each trigger and function yes or no, why, and what came of it', async () => {
    const outcomes = [
      { name: 'api', outcome: 'delivered', status: 200, ms: 3 },
      { name: 'gone', outcome: 'unknown', reason: 'timeout', ms: 1 },
    ];
    await using gateway = await gatewayWith(row(outcomes));
    const { code, stdout, stderr } = await run(gateway, ID);
    expect(cells(stdout)).toEqual([
      ['TRIGGER', 'FUNCTION', 'SELECTED', 'WHY', 'OUTCOME'],
      ['kafka/default/pay', 'api', 'yes', 'has app=shop', 'delivered 200'],
      ['kafka/default/pay', 'mail', 'no', 'has app=post, not app=shop'],
      ['kafka/default/pay', 'gone', 'no', 'is not there now', 'unknown(timeout)'],
      ['kafka/default/still', 'api', 'yes', 'has app=shop', 'none is held'],
      ['kafka/default/still', 'mail', 'no', 'has app=post, not app=shop'],
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        `INFO[0000] Event ${ID} of orders/0@12; triggers and labels are shown as they are now.\n` +
        'INFO[0000] 1 other trigger does not listen to it; -o wide shows why.\n',
    });
    expect(gateway.received[0]?.line).toContain(`id=${ID}`);
    expect((await run(gateway, ID, '-o', 'wide')).stdout).toMatch(
      /nats\/other\/mail +- +no +listens to orders\.> of another broker/,
    );
  });

  it('shows the first line of what a function said, to eyes only', async () => {
    const answer = 'no customer 17\u001b]0;owned\u0007\nmore';
    await using gateway = await gatewayWith(row([{ name: 'api', outcome: 'rejected', status: 422, ms: 3, answer }]));
    const { stdout } = await run(gateway, ID);
    expect(stdout).toContain('   rejected 422: no customer 17');
    for (const hidden of ['\u001b', 'more']) expect(stdout).not.toContain(hidden);
    const template = '{range .triggers[*].functions[*]}{.outcome}{"\\n"}{end}';
    const form = await run(gateway, ID, '-o', `jsonpath=${template}`);
    expect(form.stdout.split('\n')).toContain('rejected 422');
    expect(form.stdout).not.toContain('customer');
  });

  it('shows what came of it also where the trigger is gone, or would not listen now', async () => {
    const outcomes = [{ name: 'api', outcome: 'delivered', status: 200, ms: 3 }];
    const bill = { ...row(outcomes), trigger: 'bill' };
    const mail = { ...row(outcomes), kind: 'nats', namespace: 'other', trigger: 'mail' };
    await using gateway = await gatewayWith(bill, mail);
    const rows = cells((await run(gateway, ID)).stdout);
    expect(rows).toContainEqual(['kafka/default/bill', 'api', 'no', 'is not there now', 'delivered 200']);
    expect(rows).toContainEqual([
      'nats/other/mail',
      'api',
      'no',
      'now listens to orders.> of another broker',
      'delivered 200',
    ]);
  });

  it('says that an event is not held', async () => {
    await using gateway = await gatewayWith();
    const { code, stderr } = await run(gateway, ID);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`Nobody holds an outcome of event ${ID}`),
    });
  });
});

describe('explain of a topic', () => {
  it('says what would come of an event, and sends none', async () => {
    await using gateway = await gatewayWith();
    const { stdout, stderr } = await run(gateway, '--topic', 'orders', '--data', '{}');
    expect(stderr).toContain('A dry run: nothing is sent. An event of 2 B in orders would go this way.');
    expect(cells(stdout).slice(1)).toEqual([
      ['kafka/default/pay', 'api', 'yes', 'has app=shop', 'called'],
      ['kafka/default/pay', 'mail', 'no', 'has app=post, not app=shop'],
      ['kafka/default/still', 'api', 'yes', 'has app=shop', 'held: the trigger is paused'],
      ['kafka/default/still', 'mail', 'no', 'has app=post, not app=shop'],
    ]);
    expect(gateway.received.every(({ line }) => line.startsWith('GET'))).toBe(true);
    const { triggers } = JSON.parse((await run(gateway, '--topic', 'orders.eu', '-o', 'json')).stdout);
    expect(triggers.filter(({ listens }: { listens: boolean }) => listens)).toMatchObject([
      { trigger: { name: 'mail' } },
    ]);
  });

  it('says that a function that is not ready has it held', async () => {
    const conditions = [{ type: 'Ready', status: 'False', reason: 'StartFailed', message: 'SyntaxError: no' }];
    await using gateway = await fakeGateway({
      [`GET ${API}/kafkatriggers`]: list(
        object('KafkaTrigger', 'default', 'pay', { topic: 'orders', functionSelector: SHOP }),
      ),
      [`GET ${API}/natstriggers`]: list(
        object('NATSTrigger', 'default', 'mail', { topic: 'orders', functionSelector: SHOP }),
        object('NATSTrigger', 'default', 'post', { topic: 'orders', functionSelector: SHOP, jetstream: {} }),
      ),
      [`GET ${API}/cronjobtriggers`]: list(),
      [`GET ${API}/namespaces/default/functions`]: list({ ...fn('api', { app: 'shop' }), status: { conditions } }),
    });
    const { stdout } = await run(gateway, '--topic', 'orders');
    const held = 'held: the function is not ready (StartFailed)';
    expect(cells(stdout).slice(1)).toEqual([
      ['kafka/default/pay', 'api', 'yes', 'has app=shop', held],
      ['nats/default/mail', 'api', 'yes', 'has app=shop', `${held}; with core NATS dropped(no_endpoint)`],
      ['nats/default/post', 'api', 'yes', 'has app=shop', held],
    ]);
  });

  it('names the topic that was probably meant', async () => {
    await using gateway = await gatewayWith();
    expect((await run(gateway, '--topic', 'order')).stderr).toContain(
      'WARN[0000] No trigger listens to order; nearest: orders.',
    );
    const { stderr } = await run(gateway, '--topic', 'orders', '--broker', 'nats');
    expect(stderr).toContain('No trigger listens to orders; nearest: orders.>.');
  });
});

it.each([
  [[], 'Give an event id or --topic, found neither.'],
  [[ID, '--topic', 'a'], 'Give an event id or --topic, found both.'],
  [['short'], 'An event id has 15 letters, digits, "-" and "_", found "short"'],
  [['--topic', 'a', '--broker', 'x'], '--broker must be kafka, nats or log, found "x".'],
])('explain %j is refused in a sentence', async (args, sentence) => {
  expect((await run({ url: 'http://127.0.0.1:1' }, ...args)).stderr).toContain(`FATA[0000] ${sentence}`);
});
