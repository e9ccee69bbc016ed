import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCounts, type Counts, noCounts } from '../../src/sdk.ts';
import { decodeMetadata, encodeMetadata, MAX_METADATA_BYTES, type Metadata } from './metadata.ts';
import { WINDOW } from './window.ts';

const BY = 'h3kQ0123456_';

function counts(some: Partial<Counts> = {}): Counts {
  return { ...noCounts(), ...some };
}

/** Every number as long as it gets in the lifetime of a partition. */
function fullCounts(): Counts {
  const full = noCounts();
  const large = 2 ** 43;
  const fill = (reasons: Record<string, number>) => {
    for (const reason of Object.keys(reasons)) reasons[reason] = large;
  };
  for (const key of ['read', 'filtered', 'claimed', 'delivered', 'rejected'] as const) full[key] = large;
  for (const key of ['unknown', 'dropped', 'droppedBeforeClaim'] as const) fill(full[key]);
  return full;
}

const sum = (metadata: Metadata): Counts => {
  const totals = noCounts();
  for (const own of metadata.counts.values()) addCounts(totals, own, 1);
  return totals;
};

const amount = fc.integer({ min: 0, max: 2 ** 44 });
const someCounts = fc
  .record({ read: amount, filtered: amount, claimed: amount, delivered: amount, rejected: amount, timeout: amount })
  .map(({ timeout, ...own }) => counts({ ...own, unknown: { ...noCounts().unknown, timeout } }));

describe('metadata', () => {
  test('come back as they were stored, wherever the offsets lie', () => {
    const from = fc.constantFrom(0, 1, 2 ** 31 - 3, 2 ** 32 - 3, 2 ** 32, 2 ** 40, 2 ** 40 + 4_095, 2 ** 52);
    const gaps = fc.array(fc.integer({ min: 0, max: WINDOW - 1 }), { maxLength: 60 });
    fc.assert(
      fc.property(from, gaps, someCounts, someCounts, (first, distances, a, b) => {
        const open = [...new Set(distances)].sort((x, y) => x - y).map((distance) => first + distance);
        const metadata = {
          by: BY,
          open,
          counts: new Map([
            ['a', a],
            ['b', b],
          ]),
        };
        expect(decodeMetadata(encodeMetadata(metadata, first + WINDOW), ['a', 'b'])).toEqual(metadata);
      }),
      { numRuns: 200 },
    );
  });

  test('can be read by a person', () => {
    const audit = counts({ read: 9, claimed: 9, delivered: 6, unknown: { ...noCounts().unknown, crash: 1 } });
    const text = encodeMetadata({ by: BY, open: [1_200, 1_209], counts: new Map([['audit', audit]]) }, 1_210);
    expect(text).toBe(
      `{"trigate":1,"by":"${BY}","from":"1200","open":"AQI=","counts":{"audit":{"read":9,"claimed":9,"delivered":6,"unknown":{"crash":1}}}}`,
    );
  });

  test('point at the position when nothing is unsettled', () => {
    const text = encodeMetadata({ by: BY, open: [], counts: new Map() }, 77);
    expect(JSON.parse(text)).toMatchObject({ from: '77', open: '' });
    expect(decodeMetadata(text, [])).toEqual({ by: BY, open: [], counts: new Map() });
  });

  test.each([1, 2, 5, 60])('fit, with a full window and %i functions with the longest names and numbers', (n) => {
    const open = Array.from({ length: WINDOW }, (_, i) => 2 ** 52 + i);
    const names = Array.from({ length: n }, (_, i) => `${'f'.repeat(60)}${String(i).padStart(3, '0')}`);
    const metadata = { by: BY, open, counts: new Map(names.map((name) => [name, fullCounts()])) };
    const text = encodeMetadata(metadata, 2 ** 52 + WINDOW);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_METADATA_BYTES);
    const decoded = decodeMetadata(text, names);
    expect(decoded?.open).toEqual(open);
    expect(decoded && sum(decoded)).toEqual(sum(metadata));
  });

  test('of many functions become totals, which stay exact and are shown as the first one', () => {
    const names = Array.from({ length: 60 }, (_, i) => `${'long-name-'.repeat(6)}${i}`);
    const own = counts({ read: 12, claimed: 10, delivered: 7, rejected: 1 });
    own.droppedBeforeClaim.too_large = 2;
    const text = encodeMetadata({ by: BY, open: [5, 6], counts: new Map(names.map((name) => [name, own])) }, 7);
    expect(JSON.parse(text)).toMatchObject({ functions: 60, totals: { read: 720, claimed: 600 } });
    const decoded = decodeMetadata(text, names);
    expect([...(decoded?.counts.keys() ?? [])]).toEqual(names.slice(0, 1));
    expect(decoded?.counts.get(names[0] ?? '')).toMatchObject({ read: 720, delivered: 420, rejected: 60 });
  });

  test.each([
    ['nothing', null],
    ['an empty text, as Kubeless leaves it', ''],
    ['the word that sarama leaves', 'sarama'],
    ['broken JSON', '{"trigate":1,"by":"x","from":"1","open":"'],
    ['JSON that is no object', '7'],
    ['null', 'null'],
    ['a list', '[1]'],
    ["another program's object", '{"version":1,"by":"x"}'],
    ['a later version', '{"trigate":2,"by":"x","from":"1","open":"","counts":{}}'],
    ['no claimer', '{"trigate":1,"from":"1","open":"","counts":{}}'],
    ['an offset below zero', '{"trigate":1,"by":"x","from":"-1","open":"","counts":{}}'],
    ['an offset that is no number', '{"trigate":1,"by":"x","from":"one","open":"","counts":{}}'],
    ['bits that are not base64', '{"trigate":1,"by":"x","from":"1","open":"***","counts":{}}'],
    ['counts below zero', '{"trigate":1,"by":"x","from":"1","open":"","counts":{"f":{"read":-1}}}'],
    ['counts that are text', '{"trigate":1,"by":"x","from":"1","open":"","counts":{"f":{"read":"9"}}}'],
  ])('are not ours when the broker has %s', (_, text) => {
    expect(decodeMetadata(text, ['f'])).toBeUndefined();
  });

  test('that were cut off anywhere are not taken for ours', () => {
    const text = encodeMetadata(
      { by: BY, open: [3, 9], counts: new Map([['f', counts({ read: 4, claimed: 4 })]]) },
      10,
    );
    for (let length = 0; length < text.length; length++) {
      expect(decodeMetadata(text.slice(0, length), ['f'])).toBeUndefined();
    }
  });
});
