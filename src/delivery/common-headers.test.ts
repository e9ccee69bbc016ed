import fc from 'fast-check';
import { expect, test } from 'vitest';
import { event } from '../../test/support/outlet.ts';
import type { Event } from '../domain/event.ts';
import { attributeText } from '../domain/header-text.ts';
import { CommonHeaders } from './common-headers.ts';

const options = { eventNamespace: 'n', eventType: 't', userAgent: 'test' };
const base = event('AbCdEfGhIjKlMnO', null, { topic: 'orders', contentType: 'text/plain' });
const NO_ATTRIBUTES = { id: undefined, time: undefined, subject: undefined, extensions: [] };
const onTopic = (n: number): Event => ({ ...base, topic: `orders.${n}` });

test('events of several types in turn have one list for each', () => {
  const common = new CommonHeaders(options);
  const first = [0, 1, 2, 3].map((n) => common.of(onTopic(n)));
  expect(new Set(first).size).toBe(4);
  for (let round = 0; round < 10; round++) expect([0, 1, 2, 3].map((n) => common.of(onTopic(n)))).toEqual(first);
  for (const n of [3, 1, 2, 0]) expect(common.of(onTopic(n))).toBe(first[n]);
});

test('where hardly any comes again few lists are kept, and they are looked for seldom', () => {
  const common = new CommonHeaders(options);
  for (let n = 0; n < 1_000; n++) common.of(onTopic(n));
  const list = common.of(onTopic(1_000));
  expect(common.of(onTopic(1_000))).toBe(list);
  common.of(onTopic(1_001));
  expect(common.of(onTopic(1_000))).not.toBe(list);
  // It is tried again: types that come in turn may have come.
  for (let n = 0; n < 2_000; n++) common.of(onTopic(n % 4));
  const [again] = [0, 1, 2, 3].map((n) => common.of(onTopic(n)));
  expect(common.of(onTopic(0))).toBe(again);
});

test('types that come in turn stay kept, though others come now and then', () => {
  const common = new CommonHeaders(options);
  const first = common.of(onTopic(0));
  for (let n = 1; n < 180; n++) common.of(onTopic(n % 60));
  // More than are kept: all are forgotten, and as they were used again, they are kept again at once.
  for (let n = 1_000; n < 1_005; n++) common.of(onTopic(n));
  const second = common.of(onTopic(0));
  expect(second).not.toBe(first);
  common.of(onTopic(1));
  expect(common.of(onTopic(0))).toBe(second);
});

test('long values are not kept', () => {
  const common = new CommonHeaders(options);
  const long = { ...base, contentType: 'x'.repeat(2_000) };
  const list = common.of(long);
  expect(common.of(long)).toBe(list);
  common.of(base);
  expect(common.of(long)).not.toBe(list);
});

test('whatever came before it, an event has its own', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '=', '1'), maxLength: 2, size: 'max' });
  const header = text.map(attributeText);
  const parts = fc.record({
    topic: fc.option(text, { nil: undefined }),
    contentType: text,
    origin: header,
    attributes: fc.option(
      fc.record({ source: header, type: header }).map((own) => ({ ...NO_ATTRIBUTES, ...own })),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 300, size: 'max' }), (all) => {
      const common = new CommonHeaders(options);
      for (const own of all)
        expect(common.of({ ...base, ...own })).toEqual(new CommonHeaders(options).of({ ...base, ...own }));
    }),
  );
});
