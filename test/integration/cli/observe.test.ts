import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';
import { fakeGateway, ok } from './fake-gateway.ts';

const row = {
  type: 'event',
  cursor: 'a-1',
  id: 'abcdefghijklmno',
  time: '2026-01-02T03:04:05.000Z',
  kind: 'kafka',
  namespace: 'default',
  trigger: 'pay',
  source: { type: 'kafka', topic: 'orders', partition: 0, offset: '12' },
  functions: [
    { name: 'bill', outcome: 'delivered', status: 200, ms: 3.4, at: '2026-01-02T03:04:05.100Z' },
    { name: 'mail', outcome: 'unknown', reason: 'timeout', ms: 180_000, at: '2026-01-02T03:07:05.100Z', late: true },
  ],
};
const gap = {
  type: 'gap',
  cursor: 'a-2',
  id: null,
  time: '2026-01-02T03:05:00.000Z',
  kind: 'nats',
  namespace: 'default',
  trigger: 'mail',
  source: null,
  functions: [],
  gap: { from: '2026-01-02T03:04:00.000Z', to: '2026-01-02T03:05:00.000Z', cause: 'disconnected' },
};
const TABLE = `TIME                       TRIGGER                    SOURCE                 FUNCTION           OUTCOME                MS
2026-01-02T03:04:05.000Z   kafka/default/pay          orders/0@12            bill               delivered 200          3
2026-01-02T03:04:05.000Z   kafka/default/pay          orders/0@12            mail               unknown(timeout) late   180000
2026-01-02T03:05:00.000Z   nats/default/mail          -                      -                  gap(disconnected)
`;

describe('events', () => {
  it('prints one line for each function, and gaps', async () => {
    await using gateway = await fakeGateway({
      'GET /v1/events': ok({ events: [row, gap], next: 'a-2', skipped: 3 }),
    });
    expect(await commandLine(['events'], { TRIGATE_GATEWAY: gateway.url })).toEqual({
      code: 0,
      stdout: TABLE,
      stderr: 'WARN[0000] 3 older rows are no longer held.\n',
    });
  });

  it('asks for what the flags say', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/events': ok({ events: [], next: 'a-0' }) });
    const args = ['events', '--trigger', 'pay', '--function', 'bill', '--outcome', 'dropped', '-n', 'shop'];
    const result = await commandLine([...args, '--since', '10m', '--limit', '5'], { TRIGATE_GATEWAY: gateway.url });
    expect(result).toEqual({ code: 0, stdout: '', stderr: 'INFO[0000] No events found.\n' });
    const url = new URL(gateway.received[0]?.line.split(' ')[1] ?? '', gateway.url);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      namespace: 'shop',
      trigger: 'pay',
      function: 'bill',
      outcome: 'dropped',
      since: '2026-01-02T02:54:05.000Z',
      limit: '5',
    });
  });

  it('says when there may be more since a time than it shows, and asks for as many as there can be', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/events': ok({ events: [row, gap], next: 'a-2' }) });
    const since = (...args: string[]) =>
      commandLine(['events', '--since', '1h', ...args], { TRIGATE_GATEWAY: gateway.url });
    expect((await since('--limit', '3')).stderr).toBe(
      'WARN[0000] Only the first 3 are shown: there may be more, after the last of these.\n',
    );
    expect((await since()).stderr).toBe('');
    expect(gateway.received.map(({ line }) => /limit=(\d+)/.exec(line)?.[1])).toEqual(['3', '1000']);
  });

  it('says of an event of a schedule which one it was, or that somebody fired it', async () => {
    const source = { type: 'cronjob', schedule: '0 6 * * *', tick: '2026-01-02T06:00:00Z' };
    const events = [
      { ...row, source },
      { ...row, source: { ...source, byHand: true } },
    ];
    await using gateway = await fakeGateway({ 'GET /v1/events': ok({ events, next: 'a-2' }) });
    const { stdout } = await commandLine(['events', '--no-headers'], { TRIGATE_GATEWAY: gateway.url });
    const places = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {3,}/)[2]);
    expect(places).toEqual(['0 6 * * *', '0 6 * * *', 'by hand', 'by hand']);
  });

  it('prints rows as they came, one on each line, with -o json', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/events': ok({ events: [row, gap], next: 'a-2' }) });
    const { stdout } = await commandLine(['events', '-o', 'json'], { TRIGATE_GATEWAY: gateway.url });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([row, gap]);
  });

  it('follows the live feed, and comes back to it where it was', async () => {
    const first = `id: a-0\n: connected\n\nid: a-1\ndata: ${JSON.stringify(row)}\n\n`;
    const second = `id: a-1\n: connected\n\nevent: skipped\ndata: {"rows":7}\n\nid: a-9\ndata: ${JSON.stringify(gap)}\n\n`;
    const third = `id: b-1\ndata: ${JSON.stringify(row)}\n\n`;
    const streams = [{ stream: first }, { stream: second }, { status: 503, body: {} }, { stream: third }];
    await using gateway = await fakeGateway({
      'GET /v1/events': () => streams.shift() ?? { status: 410, body: { code: 'EXPIRED', detail: 'enough' } },
    });
    const env = { TRIGATE_GATEWAY: gateway.url };
    const result = await commandLine(['events', '-f'], env);
    expect(gateway.received[0]?.headers.accept).toBe('text/event-stream');
    const after = gateway.received.map(({ line }) =>
      new URL(line.split(' ')[1] ?? '', gateway.url).searchParams.get('after'),
    );
    expect(after).toEqual([null, 'a-1', 'a-9', 'a-9', 'b-1']);
    expect(result).toEqual({
      code: 1,
      stdout: `${TABLE}${TABLE.split('\n').slice(1, 3).join('\n')}\n`,
      stderr: [
        `WARN[0000] The feed of the gateway ${gateway.url} has ended: trying to come back to it.`,
        `INFO[0000] The feed of the gateway ${gateway.url} is back.`,
        'WARN[0000] 7 rows were lost here: they came faster than they could be sent.',
        `WARN[0000] The feed of the gateway ${gateway.url} has ended: trying to come back to it.`,
        `INFO[0000] The feed of the gateway ${gateway.url} is back.`,
        `WARN[0000] A new process has the feed of the gateway ${gateway.url}: what came between the row above and its end may be missing here.`,
        `WARN[0000] The feed of the gateway ${gateway.url} has ended: trying to come back to it.`,
        'FATA[0000] enough',
        '',
      ].join('\n'),
    });
  });

  it('does not wait for a gateway that was never there, and not for one that refuses', async () => {
    const never = await commandLine(['events', '-f'], { TRIGATE_GATEWAY: 'http://127.0.0.1:1' });
    expect(never).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Cannot reach http://127.0.0.1:1'),
    });
    const body = { code: 'CONFLICT', detail: '64 live feeds are open.' };
    await using gateway = await fakeGateway({ 'GET /v1/events': { status: 409, body } });
    const refused = await commandLine(['events', '-f'], { TRIGATE_GATEWAY: gateway.url });
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: 'FATA[0000] 64 live feeds are open.\n' });
  });

  it('ends well when the person stops it', async () => {
    await using gateway = await fakeGateway({});
    const result = await commandLine(
      ['events', '-f'],
      { TRIGATE_GATEWAY: gateway.url },
      { signal: AbortSignal.abort() },
    );
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    [
      ['events', '--outcome', 'lost'],
      '--outcome must be one of delivered, rejected, unknown, dropped, gap, found "lost".',
    ],
    [['events', '--since', 'soon'], '--since must be a duration such as 10m, or a time such as'],
    [['events', '--limit', 'all'], '--limit must be a whole number from 1 to 1000, found "all".'],
    [
      ['events', '--kind', 'Kafka'],
      '--kind must be one of kafka, nats, cronjob, kubernetes, found "Kafka". Did you mean kafka?',
    ],
    [['ledger', '--kind', 'banana'], '--kind must be one of'],
    [['events', '--trigger', ''], 'The trigger name must be at most 253'],
    [['ledger', '--function', 'A'], 'The function name must be at most 253'],
    [['events', '-n', 'Big'], 'The namespace must be at most 63'],
    [['events', '-o', 'xml'], 'Output format needs to be wide or json, found "xml".'],
    [['events', '--folow'], "unknown option '--folow' (Did you mean --follow?)"],
  ])('%j is refused with one sentence', async (args, sentence) => {
    const result = await commandLine(args, { TRIGATE_GATEWAY: 'http://127.0.0.1:1' });
    expect(result.stderr).toContain(`FATA[0000] ${sentence}`);
    expect(result).toMatchObject({ code: 1, stdout: '' });
  });
});

const counts = {
  name: 'bill',
  read: 10,
  filtered: 1,
  claimed: 8,
  delivered: 5,
  rejected: 0,
  unknown: { timeout: 1 },
  droppedBeforeClaim: { too_large: 1 },
  dropped: { expired: 2 },
  inFlight: 0,
};
const ledger = (balanced: boolean) =>
  ok({ balanced, triggers: [{ kind: 'kafka', namespace: 'default', name: 'pay', gaps: [], functions: [counts] }] });

describe('ledger', () => {
  it('prints the counts', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/ledger': ledger(true) });
    const { code, stdout, stderr } = await commandLine(['ledger'], { TRIGATE_GATEWAY: gateway.url });
    expect(stdout.split('\n')[1]?.split(/ {3,}/)).toEqual([
      'kafka/default/pay',
      'bill',
      '10',
      '1',
      '8',
      '5',
      '0',
      '1 (timeout 1)',
      '3 (too_large 1, expired 2)',
      '0',
      '0',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'INFO[0000] The ledger balances.\n' });
  });

  it('prints the counts of one trigger, and its gaps', async () => {
    const gap = { from: Date.UTC(2026, 0, 2), to: '2026-01-02T00:01:00.000Z', cause: 'disconnected' };
    const named = (name: string) => ({ kind: 'nats', namespace: 'default', name, gaps: [gap], functions: [counts] });
    const triggers = [named('a'), named('b')];
    await using gateway = await fakeGateway({ 'GET /v1/ledger': ok({ balanced: true, triggers }) });
    const run = (...args: string[]) => commandLine(['ledger', ...args], { TRIGATE_GATEWAY: gateway.url });
    const { stdout, stderr } = await run('--trigger', 'b', '--no-headers');
    expect(stdout).toMatch(/^nats\/default\/b .+\n$/);
    expect(stderr).toContain(
      'WARN[0000] nats/default/b has a gap from 2026-01-02T00:00:00.000Z to 2026-01-02T00:01:00.000Z: disconnected.\n',
    );
    expect((await run('-n', 'other')).stderr).toBe('INFO[0000] No counts found.\nINFO[0000] The ledger balances.\n');
    expect((await run('-o', 'jsonpath={.triggers[*].name}', '--function', 'bill')).stdout).toBe('a b');
  });

  it('fails when they do not add up', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/ledger': ledger(false) });
    const result = await commandLine(['ledger', '-o', 'json'], { TRIGATE_GATEWAY: gateway.url });
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('The ledger does not balance') });
    expect(JSON.parse(result.stdout)).toMatchObject({ balanced: false });
  });
});
