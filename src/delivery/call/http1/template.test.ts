import { expect, test } from 'vitest';
import type { OutgoingRequest } from '../call.ts';
import { RequestTemplate } from './template.ts';

const base: OutgoingRequest = {
  method: 'POST',
  path: '/a',
  common: ['user-agent', 'test'],
  headers: ['event-id', 'x'],
  body: Buffer.from('{}'),
};
const text = (first: string, ...lines: string[]) =>
  `${[`${first} HTTP/1.1`, 'host: f:80', 'connection: keep-alive', ...lines].join('\r\n')}\r\n\r\n`;

/** What is written at once stands in one text. */
function pieces(request: OutgoingRequest, template = new RequestTemplate('f:80')): readonly string[] {
  const found: string[] = [];
  let isCorked = false;
  template.writeTo(
    {
      write: (bytes) => found.push(`${isCorked ? 'corked ' : ''}${Buffer.from(bytes).toString('latin1')}`),
      cork: () => {
        isCorked = true;
      },
      uncork: () => {
        isCorked = false;
      },
    },
    request,
  );
  return found;
}
const written = (request: OutgoingRequest, template?: RequestTemplate) => pieces(request, template).join('|');

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

test('a large body follows its head, before anything is sent', () => {
  const head = (length: number) => text('POST /a', 'user-agent: test', 'event-id: x', `content-length: ${length}`);
  const most = 'x'.repeat(16 * 1024);
  expect(pieces({ ...base, body: Buffer.from(most) })).toEqual([head(most.length) + most]);
  const more = `${most}x`;
  expect(pieces({ ...base, body: Buffer.from(more) })).toEqual([`corked ${head(more.length)}`, `corked ${more}`]);
});
