import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { adminServer } from '../../test/support/admin.ts';
import type { GuardOptions } from './guard.ts';

type Headers = Record<string, string>;

/** Any writing route will do; the guard decides before it is looked at what it does. */
async function ask(
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS',
  url: string,
  headers: Headers,
  options: GuardOptions = {},
) {
  await using server = await adminServer({ guard: options });
  server.app.all('/guarded', { exposeHeadRoute: false }, async () => 'reached');
  return await server.app.inject({ method, url, headers });
}

describe('the guard: Host', () => {
  it.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST:8080',
    'localhost.',
    '127.0.0.1:8080',
    '[::1]',
    '[::1]:8080',
    'console.localhost:8080',
  ])('answers to the loopback name %s', async (host) => {
    expect((await ask('GET', '/v1/ledger', { host })).statusCode).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    'evillocalhost',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    'evil.example@127.0.0.1',
    '192.168.1.5:8080',
    '[::2]',
    '0.0.0.0',
    'localhost:port',
    'localhost/evil',
    'local host',
  ])('refuses the foreign name "%s"', async (host) => {
    const answer = await ask('GET', '/v1/ledger', { host });
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({
      code: 'FORBIDDEN',
      detail: expect.stringContaining('Host must be localhost'),
    });
  });

  it.each(['gateway.example', 'GATEWAY.example:8080', '10.1.2.3', '[fd00::1]:80'])(
    'answers to %s when told so',
    async (host) => {
      const hosts = ['Gateway.example', '10.1.2.3', 'fd00::1'];
      expect((await ask('GET', '/livez', { host }, { hosts })).statusCode).toBe(200);
      expect((await ask('GET', '/livez', { host: 'other.example' }, { hosts })).statusCode).toBe(403);
    },
  );

  it('answers to every name when told so', async () => {
    expect((await ask('GET', '/livez', { host: 'pod.example' }, { hosts: ['*'] })).statusCode).toBe(200);
  });

  it('refuses a request without a name', async () => {
    await using server = await adminServer();
    const { port } = new URL(await server.app.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET /v1/ledger HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('covers also what is not there', async () => {
    expect((await ask('GET', '/nothing', { host: 'evil.example' })).statusCode).toBe(403);
    expect((await ask('GET', '/nothing', { host: 'localhost' })).statusCode).toBe(404);
  });
});

describe('the guard: origin', () => {
  const host = 'localhost:8080';

  it.each<Headers>([
    {},
    { origin: 'http://localhost:8080' },
    { origin: 'https://localhost:8080' },
    { origin: 'http://LOCALHOST:8080', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ])('lets a write pass with %j', async (headers) => {
    expect((await ask('POST', '/guarded', { host, ...headers })).statusCode).toBe(200);
  });

  it.each<Headers>([
    { origin: 'http://evil.example' },
    { origin: 'http://localhost:3000' },
    { origin: 'http://localhost' },
    { origin: 'http://127.0.0.1:8080' },
    { origin: 'null' },
    { origin: 'file://' },
    { origin: 'chrome-extension://localhost:8080' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:8080' },
    { 'sec-fetch-site': 'same-origin', origin: 'http://evil.example' },
  ])('refuses a write with %j', async (headers) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
      const answer = await ask(method, '/guarded', { host, ...headers });
      expect(answer.statusCode).toBe(403);
      expect(answer.json()).toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  it('compares without the port that the scheme implies', async () => {
    const headers = { host: 'localhost:80', origin: 'http://localhost' };
    expect((await ask('POST', '/guarded', headers)).statusCode).toBe(200);
  });

  it('lets a page of another origin read nothing', async () => {
    const answer = await ask('GET', '/v1/ledger', {
      host,
      origin: 'http://evil.example',
      'sec-fetch-site': 'cross-site',
    });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    });
  });
});

describe('the guard: token', () => {
  const host = 'localhost';
  const options = { token: 'correct horse' };

  it.each(['Bearer correct horse', 'bearer correct horse'])('lets "%s" pass', async (authorization) => {
    expect((await ask('GET', '/v1/ledger', { host, authorization }, options)).statusCode).toBe(200);
  });

  it.each([
    '',
    'correct horse',
    'Bearer',
    'Bearer ',
    'Bearer correct',
    'Bearer correct horse battery',
    'Basic correct horse',
  ])('refuses "%s"', async (authorization) => {
    const answer = await ask('GET', '/v1/ledger', { host, authorization }, options);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    const isGiven = /^Bearer +\S/.test(authorization);
    expect(answer.json()).toMatchObject({
      code: 'UNAUTHORIZED',
      detail: expect.stringMatching(isGiven ? /^The token is not that of this/ : /^This gateway asks for its token/),
    });
    expect(answer.body).not.toContain('correct horse');
  });

  it.each([
    '/v1/ledger',
    '/metrics',
    '/v1/events',
    '/v1/topics',
    '/guarded',
    '/nothing',
    '/livez/',
    '/livez/../v1/ledger',
    '//livez',
  ])('is asked for on %s', async (url) => {
    expect((await ask('GET', url, { host }, options)).statusCode).toBe(401);
  });

  it.each(['/livez', '/readyz', '/livez?verbose'])('is not asked for on %s', async (url) => {
    expect((await ask('GET', url, { host }, options)).statusCode).toBe(200);
  });

  it('may come in a header of its own, for who has none other left', async () => {
    const own = (token: string) => ask('GET', '/v1/ledger', { host, 'x-trigate-token': token }, options);
    expect((await own('correct horse')).statusCode).toBe(200);
    expect((await own('Bearer correct horse')).statusCode).toBe(401);
    expect((await own('')).statusCode).toBe(401);
  });

  it('does not replace the other checks', async () => {
    const authorization = 'Bearer correct horse';
    expect((await ask('GET', '/v1/ledger', { host: 'evil.example', authorization }, options)).statusCode).toBe(403);
    const headers = { host, authorization, origin: 'http://evil.example' };
    expect((await ask('POST', '/guarded', headers, options)).statusCode).toBe(403);
  });
});
