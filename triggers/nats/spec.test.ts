import { describe, expect, it } from 'vitest';
import { natsTriggerSpec } from './spec.ts';

const parse = (spec: object) => natsTriggerSpec.safeParse({ topic: 'a', ...spec });

describe('the spec of a NATSTrigger', () => {
  it.each(['a', 'a.b', 'a.*.c', 'a.>', '>', '*', 'größe.$x'])('takes the subject %s', (topic) => {
    expect(parse({ topic }).success).toBe(true);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a.>.b', '>.a', 'a\u0000 b'])('refuses the subject %j', (topic) => {
    expect(parse({ topic }).success).toBe(false);
  });

  it('is core NATS unless jetstream is set; {} is enough', () => {
    expect(parse({}).data?.jetstream).toBeUndefined();
    expect(parse({ jetstream: {} }).data?.jetstream).toEqual({});
    expect(parse({ jetstream: { stream: 'ORDERS', startFrom: 'earliest' } }).data?.jetstream).toEqual({
      stream: 'ORDERS',
      startFrom: 'earliest',
    });
  });

  it.each([{ domain: 'leaf' }, { apiPrefix: 'JS.orders.API' }])('takes a JetStream elsewhere: %j', (jetstream) => {
    expect(parse({ jetstream }).success).toBe(true);
  });

  it.each([
    { domain: 'a.b', apiPrefix: 'c' },
    { domain: 'a.b' },
    { apiPrefix: 'JS.*' },
    { stream: 'a.b' },
    { stream: 'a b' },
    { stream: '' },
    { startFrom: 'middle' },
    { steam: 'ORDERS' },
    true,
  ])('refuses jetstream: %j', (jetstream) => {
    expect(parse({ jetstream }).success).toBe(false);
  });
});
