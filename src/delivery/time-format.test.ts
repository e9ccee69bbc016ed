import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GoTime, IsoTime } from './time-format.ts';

test.each([
  [Date.UTC(2018, 4, 18, 5, 40, 42, 881), '2018-05-18 05:40:42.881 +0000 UTC'],
  [Date.UTC(2018, 4, 18, 5, 40, 42, 880), '2018-05-18 05:40:42.88 +0000 UTC'],
  [Date.UTC(2018, 4, 18, 5, 40, 42, 800), '2018-05-18 05:40:42.8 +0000 UTC'],
  [Date.UTC(2018, 4, 18, 5, 40, 42, 8), '2018-05-18 05:40:42.008 +0000 UTC'],
  [Date.UTC(2018, 4, 18, 5, 40, 40, 0), '2018-05-18 05:40:40 +0000 UTC'],
  [Date.UTC(2024, 1, 29, 23, 59, 59, 999), '2024-02-29 23:59:59.999 +0000 UTC'],
  [0, '1970-01-01 00:00:00 +0000 UTC'],
])("%d is, in Go's words, %s", (ms, expected) => {
  const format = new GoTime();
  expect([format.format(ms), format.format(ms)]).toEqual([expected, expected]);
});

test('a time is not taken for the one before it', () => {
  const [go, iso] = [new GoTime(), new IsoTime()];
  expect([0, 1, 0].map((ms) => iso.format(ms).slice(19))).toEqual(['.000Z', '.001Z', '.000Z']);
  expect([0, 1, 0].map((ms) => go.format(ms).slice(19))).toEqual([' +0000 UTC', '.001 +0000 UTC', ' +0000 UTC']);
});

test('ce-time is what Date says of any time that it can hold, else the epoch', () => {
  const iso = new IsoTime();
  const near = fc.integer({ min: -3_000, max: 3_000 });
  const ms = fc.oneof(near, fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.double({ noInteger: true }));
  fc.assert(
    fc.property(ms, (ms) => {
      expect(iso.format(ms)).toBe(new Date(Math.abs(ms) <= 8.64e15 ? ms : 0).toISOString());
    }),
    { numRuns: 5_000 },
  );
  expect([8.64e15 + 1, Number.NaN, Number.POSITIVE_INFINITY].map((ms) => iso.format(ms))).toEqual(
    Array(3).fill('1970-01-01T00:00:00.000Z'),
  );
});
