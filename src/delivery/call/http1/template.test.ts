import { expect, test } from 'vitest';
import type { OutgoingRequest } from '../call.ts';
import { HeadTemplate } from './template.ts';

const base: OutgoingRequest = {
  method: 'POST',
  path: '/a',
  common: ['user-agent', 'test'],
  headers: ['event-id', 'x'],
  body: new Uint8Array(2),
};
const text = (first: string, ...lines: string[]) =>
  [`${first} HTTP/1.1`, 'host: f:80', 'connection: keep-alive', ...lines, '', ''].join('\r\n');

test('what requests have in common comes first, then what is their own, then the length', () => {
  expect(new HeadTemplate('f:80').of(base)).toBe(
    text('POST /a', 'user-agent: test', 'event-id: x', 'content-length: 2'),
  );
});

test('a GET without data has no length, one with data has', () => {
  const get = { ...base, method: 'GET', headers: [] } as const;
  const heads = new HeadTemplate('f:80');
  expect(heads.of({ ...get, body: new Uint8Array() })).toBe(text('GET /a', 'user-agent: test'));
  expect(heads.of(get)).toBe(text('GET /a', 'user-agent: test', 'content-length: 2'));
});

test('each request has its own method, path and headers, whatever came before it', () => {
  const heads = new HeadTemplate('f:80');
  const others: OutgoingRequest[] = [
    { ...base, path: '/b' },
    { ...base, method: 'GET' },
    { ...base, common: ['user-agent', 'other'] },
    { ...base, headers: ['event-id', 'y', 'ce-id', 'z'] },
    base,
  ];
  for (const other of others)
    for (const request of [base, other]) expect(heads.of(request)).toBe(new HeadTemplate('f:80').of(request));
});
