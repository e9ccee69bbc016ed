import { describe, expect, it } from 'vitest';
import { adminServer } from '../../test/support/admin.ts';
import { errorCodes, TrigateError } from '../domain/errors.ts';
import { eventId } from '../domain/event.ts';

const orders = { kind: 'kafka', namespace: 'default', name: 'orders' };

describe('problems', () => {
  it('carry the status, code and sentence of every error in the catalogue', async () => {
    await using server = await adminServer();
    server.app.get('/fail/:code', async (request) => {
      const code = errorCodes.find((each) => request.url.endsWith(each));
      throw new TrigateError(code ?? 'INTERNAL', 'What is wrong.');
    });
    for (const code of errorCodes) {
      const answer = await server.app.inject(`/fail/${code}`);
      const { status } = new TrigateError(code, '');
      expect(answer.statusCode).toBe(status);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.json()).toEqual({
        type: 'about:blank',
        title: expect.any(String),
        status,
        detail: 'What is wrong.',
        code,
      });
    }
  });

  it('say nothing of an unforeseen error but log it', async () => {
    await using server = await adminServer();
    server.app.get('/fail', async () => {
      throw new Error('inner secret');
    });
    const answer = await server.app.inject('/fail');
    expect(answer.json()).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(answer.body).not.toContain('inner secret');
    expect(answer.body).not.toContain('.ts');
    expect(server.logged.join('')).toContain('inner secret');
  });

  it('name a path that is not there, also one that cannot be decoded', async () => {
    await using server = await adminServer();
    expect((await server.app.inject('/v1/nothing?x=1')).json()).toMatchObject({
      code: 'NOT_FOUND',
      detail: 'There is no GET /v1/nothing here.',
    });
    const bad = await server.app.inject('/v1/topics/%ff');
    expect(bad.json()).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
  });
});

describe('health', () => {
  it('is live while the process answers', async () => {
    await using server = await adminServer();
    expect((await server.app.inject('/livez')).json()).toEqual({ live: true });
  });

  it('answers 503 with the sentences of what is not ready', async () => {
    let ready = false;
    const checks = [{ name: 'kafka', ok: false, message: 'No broker answers at localhost:9092.' }];
    await using server = await adminServer({ readiness: () => ({ ready, checks }) });
    const answer = await server.app.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ ready: false, checks });
    ready = true;
    expect((await server.app.inject('/readyz')).statusCode).toBe(200);
  });
});

describe('GET /metrics', () => {
  it("answers in Prometheus' text format", async () => {
    await using server = await adminServer();
    const answer = await server.app.inject('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('trigate_build_info{version="test"');
  });
});

describe('GET /v1/ledger', () => {
  it('answers the report as it stands', async () => {
    const report = {
      balanced: false,
      triggers: [{ ...orders, gaps: [{ from: 1, to: 2, cause: 'cut' }], functions: [] }],
    };
    await using server = await adminServer({ ledger: () => report });
    expect((await server.app.inject('/v1/ledger')).json()).toEqual(report);
    const asked = await server.app.inject('/v1/ledger?namespace=shop');
    expect(asked.statusCode).toBe(400);
    expect(asked.json()).toMatchObject({ detail: expect.stringContaining('"namespace"') });
  });
});

describe('GET /v1/events', () => {
  const outcome = { type: 'delivered', status: 200, ms: 1 } as const;
  const event = (n: number) =>
    ({ id: eventId('test', String(n)), time: 0, coordinates: { type: 'log', topic: 'orders', offset: n } }) as const;

  it('answers rows and a cursor to go on with', async () => {
    await using server = await adminServer();
    for (const n of [1, 2]) server.feed.record(orders, event(n), 'invoice', outcome);
    const first = (await server.app.inject('/v1/events')).json();
    expect(first.events).toMatchObject([
      {
        id: event(1).id,
        kind: 'kafka',
        namespace: 'default',
        trigger: 'orders',
        source: { topic: 'orders', offset: 1 },
        functions: [{ name: 'invoice', outcome: 'delivered', status: 200, ms: 1 }],
      },
      { id: event(2).id },
    ]);
    server.feed.record(orders, event(3), 'invoice', outcome);
    const second = (await server.app.inject(`/v1/events?after=${first.next}`)).json();
    expect(second.events).toMatchObject([{ id: event(3).id }]);
  });

  it('filters by what the query says', async () => {
    await using server = await adminServer();
    server.feed.record(orders, event(1), 'invoice', outcome);
    server.clock.advance(60_000);
    server.feed.record(orders, event(2), 'mail', { type: 'dropped', reason: 'expired' });
    const ids = async (query: string) => {
      const { events } = (await server.app.inject(`/v1/events?${query}`)).json();
      return events.map((row: { id: string }) => row.id);
    };
    const [one, two] = [event(1).id, event(2).id];
    expect(await ids('function=mail')).toEqual([two]);
    expect(await ids('outcome=delivered')).toEqual([one]);
    expect(await ids('trigger=orders&namespace=default&kind=kafka')).toEqual([one, two]);
    expect(await ids('trigger=other')).toEqual([]);
    expect(await ids('limit=1')).toEqual([two]);
    expect(await ids('since=30s')).toEqual([two]);
    expect(await ids(`since=${encodeURIComponent(new Date(server.clock.now()).toISOString())}`)).toEqual([two]);
  });

  it.each([
    ['limit=0', 'limit must be a whole number from 1 to 1000, found "0".'],
    ['limit=many', 'limit must be a whole number from 1 to 1000, found "many".'],
    ['limit=1001', 'limit must be a whole number from 1 to 1000, found "1001".'],
    ['limit=1&limit=2', 'limit must be given once, found ["1","2"].'],
    ['outcome=lost', 'outcome must be one of delivered, rejected, unknown, dropped, gap, found "lost".'],
    [
      'since=tomorrow',
      'since must be a time such as 2027-01-31T12:00:00Z, or how long ago such as 30s, 5m or 24h, found "tomorrow".',
    ],
    [
      'since=2027-99-99T00:00:00Z',
      'since must be a time such as 2027-01-31T12:00:00Z, or how long ago such as 30s, 5m or 24h, found "2027-99-99T00:00:00Z".',
    ],
    ['tigger=orders', 'the query does not know "tigger".'],
  ])('refuses ?%s with a sentence', async (query, detail) => {
    await using server = await adminServer();
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await server.app.inject({ url: `/v1/events?${query}`, headers: { accept } });
      expect(answer.json()).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT', detail });
    }
  });

  it('refuses a cursor that is none, also for a stream', async () => {
    await using server = await adminServer();
    for (const headers of [{}, { accept: 'text/event-stream' }]) {
      const answer = await server.app.inject({ url: '/v1/events?after=x', headers });
      expect(answer.json()).toMatchObject({ status: 400, detail: expect.stringContaining('after must be a cursor') });
    }
    const resumed = { accept: 'text/event-stream', 'last-event-id': 'x' };
    expect((await server.app.inject({ url: '/v1/events', headers: resumed })).statusCode).toBe(400);
  });
});
