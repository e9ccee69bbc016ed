import { expect, test } from 'vitest';
import type { OutgoingRequest } from '../call.ts';
import { isCopied, RequestTemplate } from './template.ts';

const base: OutgoingRequest = {
  method: 'POST',
  path: '/a',
  common: ['user-agent', 'test'],
  headers: ['event-id', 'x'],
  body: Buffer.from('{}'),
};
const text = (first: string, ...lines: string[]) =>
  `${[`${first} HTTP/1.1`, 'host: f:80', 'connection: keep-alive', ...lines].join('\r\n')}\r\n\r\n`;

const written = (request: OutgoingRequest, template = new RequestTemplate('f:80')) =>
  template.of(request).toString('latin1');

test('what requests have in common comes first, then what is their own, then the length', () => {
  expect(written(base)).toBe(`${text('POST /a', 'user-agent: test', 'event-id: x', 'content-length: 2')}{}`);
});

test('a GET without data has no length, one with data has', () => {
  const get = { ...base, method: 'GET', headers: [] } as const;
  expect(written({ ...get, body: new Uint8Array() })).toBe(text('GET /a', 'user-agent: test'));
  expect(written(get)).toBe(`${text('GET /a', 'user-agent: test', 'content-length: 2')}{}`);
});

test('each request has its own method, path and headers, whatever came before it', () => {
  const template = new RequestTemplate('f:80');
  const names = Array.from({ length: 500 }, (_, i) => [`x-${i}`, String(i)]).flat();
  const others: OutgoingRequest[] = [
    { ...base, path: '/b' },
    { ...base, method: 'GET' },
    { ...base, common: ['user-agent', 'other'] },
    { ...base, headers: ['event-id', 'y', 'ce-id', 'z'] },
    { ...base, headers: names },
    base,
  ];
  for (const other of others)
    for (const request of [base, other]) expect(written(request, template)).toBe(written(request));
});

test('a large body is left to follow its head', () => {
  for (const [length, copied] of [
    [16 * 1024, true],
    [16 * 1024 + 1, false],
  ] as const) {
    const request = { ...base, body: Buffer.alloc(length, 'x') };
    expect(isCopied(request)).toBe(copied);
    const head = text('POST /a', 'user-agent: test', 'event-id: x', `content-length: ${length}`);
    expect(written(request)).toBe(head + (copied ? 'x'.repeat(length) : ''));
  }
});
