import { expect, test } from 'vitest';
import { checkDelivery, checkLedger } from './checker.ts';
import type { Recorded } from './function-server.ts';

const got = (name: string, eventId: string, body: string | undefined): Recorded => ({
  function: name,
  eventId,
  body,
  bytes: undefined,
  method: 'POST',
  path: '/',
  headers: {},
  time: 0,
});

const expected = { functions: ['f', 'g'], bodies: ['1', '2'] };
const each = [got('f', 'a', '1'), got('f', 'b', '2'), got('g', 'a', '1'), got('g', 'b', '2')];

test('each event once at each function is without findings', () => {
  expect(checkDelivery(expected, each)).toEqual({ duplicates: [], missing: [], unexpected: [] });
});

test('an event id that came twice is found, also when its body broke off', () => {
  expect(checkDelivery(expected, [...each, got('f', 'a', undefined)]).duplicates).toEqual([
    'f got the event id a 2 times',
  ]);
});

test('a body that came twice under two ids is found', () => {
  expect(checkDelivery(expected, [...each, got('f', 'c', '1')]).duplicates).toEqual(['f got the body 1 2 times']);
});

test('what is missing and what nobody published is found', () => {
  const { missing, unexpected } = checkDelivery(expected, [...each.slice(1), got('g', 'x', '3'), got('h', 'a', '1')]);
  expect(missing).toEqual(['f did not get 1']);
  expect(unexpected).toEqual(['g got 3, which was not published', 'h got 1 requests and should have got none']);
});

const row = {
  name: 'f',
  read: 10,
  filtered: 1,
  droppedBeforeClaim: { too_large: 1 },
  claimed: 8,
  delivered: 4,
  rejected: 1,
  unknown: { timeout: 1 },
  dropped: { expired: 1 },
  inFlight: 1,
};
const report = (balanced: boolean, functions: object[]) => ({
  balanced,
  triggers: [{ kind: 'kafka', namespace: 'default', name: 't', gaps: [], functions }],
});

test('a ledger that adds up is without problems', () => {
  expect(checkLedger(report(true, [row]))).toEqual([]);
});

test('a row that does not add up is named, and so is a report that claims it does', () => {
  expect(checkLedger(report(true, [{ ...row, delivered: 5 }]))).toEqual([
    'kafka default/t → f: claimed 8, but delivered + rejected + unknown + dropped + in flight is 9',
    'the report says balanced: true',
  ]);
});
