import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Counts, noCounts } from '../../../src/sdk.ts';
import { decodeRecord, encodeRecord, type MemberRecord } from './record.ts';

const record: MemberRecord = {
  owner: '_INBOX.x',
  isKept: false,
  stream: '2026-11-21T10:00:00Z',
  consumer: '2026-11-21T10:00:01Z',
  last: { sequence: 12, consumerSequence: 9 },
  taken: { since: { consumerSequence: 2, sequence: 3 }, runs: [[4, 6, 5, 12]] },
  open: [3, 4, 5, 9, 12],
  settled: [6, 7],
  functions: ['f'],
  counts: new Map([['f', { ...noCounts(), read: 9, claimed: 9, delivered: 3, rejected: 1 }]]),
  at: 1,
};

it('is read as it was written', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(), { maxLength: 200 }),
      fc.option(fc.string()),
      fc.boolean(),
      (open, owner, isKept) => {
        const written = { ...record, owner, isKept, open: open.sort((a, b) => a - b) };
        expect(decodeRecord(encodeRecord(written))).toEqual(written);
      },
    ),
  );
});

it('holds runs of open claims in little room', () => {
  const open = Array.from({ length: 5_000 }, (_, i) => 1_000_000 + i);
  expect(encodeRecord({ ...record, open }).length).toBeLessThan(400);
});

it.each(['', 'null', '{"v":2}', '{"v":1,"owner":"x"}', '\u0000'])('%j is not a record', (text) => {
  expect(decodeRecord(new TextEncoder().encode(text))).toBeUndefined();
});

it('keeps the reasons of a later version, without which the counts would not balance', () => {
  const stored = { ...record, counts: new Map([['f', withLaterReason()]]) };
  expect(decodeRecord(encodeRecord(stored))).toEqual(stored);
});

function withLaterReason(): Counts {
  const counts = noCounts();
  return { ...counts, unknown: { ...counts.unknown, ...{ crash: 2, of_tomorrow: 3 } } };
}
