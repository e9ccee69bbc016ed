import { expect, test } from 'vitest';
import { carriedHeaders } from './carried-headers.ts';

const carried = (headers: Record<string, string>) =>
  carriedHeaders({ headers: new Map(Object.entries(headers)), leftOut: 0 });

test('headers get a prefix, so that none can be taken for another', () => {
  expect(carried({ authorization: 'x', host: 'evil', 'event-id': '1', 'transfer-encoding': 'chunked' })).toEqual([
    ['event-header-authorization', 'x'],
    ['event-header-host', 'evil'],
    ['event-header-event-id', '1'],
    ['event-header-transfer-encoding', 'chunked'],
  ]);
});

test('trace context keeps its names', () => {
  expect(carried({ traceparent: '00-a-b-01', tracestate: 'v=1' })).toEqual([
    ['traceparent', '00-a-b-01'],
    ['tracestate', 'v=1'],
  ]);
});

test('names that are no tokens are left out, and counted', () => {
  expect(carried({ 'a b': '1', 'c\r\nd': '2', '': '3', ok: '4' })).toEqual([
    ['event-header-ok', '4'],
    ['event-headers-left-out', '3'],
  ]);
});

test('a thousand headers, or long ones, stay below what a server takes', () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`h${i}`, 'v'.repeat(i)]));
  const result = carried(many);
  const bytes = result.reduce((sum, [name, value]) => sum + name.length + 3 * value.length + 4, 0);
  expect(bytes).toBeLessThan(12 * 1024);
  expect(result.length).toBeLessThanOrEqual(65);
  expect(Number(result.at(-1)?.[1])).toBe(1000 - (result.length - 1));
});

test('a value holds what may stand in a header, and keeps a syntax of its own', () => {
  expect(carried({ baggage: 'user=a%20b,x="1"', evil: 'a\r\nx: 1\0\u2028\ud800' })).toEqual([
    ['event-header-baggage', 'user=a%20b,x="1"'],
    ['event-header-evil', 'a%0D%0Ax: 1%00%E2%80%A8%EF%BF%BD'],
  ]);
});

test('what grows when it is encoded is counted as long as it becomes', () => {
  const [long, short] = ['日'.repeat(2_700), '日'.repeat(100)];
  expect(carried({ long, short })).toEqual([
    ['event-header-short', encodeURIComponent(short)],
    ['event-headers-left-out', '1'],
  ]);
});

test('what had no room before is told with what has none here', () => {
  const headers = new Map([['a b', '1']]);
  expect(carriedHeaders({ headers, leftOut: 2 })).toEqual([['event-headers-left-out', '3']]);
  expect(carriedHeaders({ headers: new Map(), leftOut: 2 })).toEqual([['event-headers-left-out', '2']]);
});
