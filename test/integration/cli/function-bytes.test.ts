import { expect, test } from 'vitest';
import { commandLine } from './command-line.ts';
import { type Answer, fakeGateway, list, ok } from './fake-gateway.ts';

const CORE = '/api/v1/namespaces/default';
/** A byte order mark, a character cut in two, and what is no text. */
const BYTES = Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x00, 0xfe, 0xe2, 0x82]);
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' } };
const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'f' }, spec: { ports: [{ port: 80 }] } };

async function written(words: string, answer: Answer): Promise<{ out: Buffer; stderr: string }> {
  await using gateway = await fakeGateway({
    [`GET ${CORE}/services/f`]: ok(service),
    [`GET ${CORE}/services/f%3A80/proxy/`]: answer,
    [`GET ${CORE}/pods`]: list(pod),
    [`GET ${CORE}/pods/p/log`]: answer,
  });
  const chunks: Buffer[] = [];
  const stdout = { write: (chunk: string | Uint8Array) => chunks.push(Buffer.from(chunk)) };
  const { stderr } = await commandLine(words.split(' '), { TRIGATE_GATEWAY: gateway.url }, { stdout });
  return { out: Buffer.concat(chunks), stderr };
}

test('what a function answers and what it has printed come out byte by byte', async () => {
  const answered = Buffer.concat([BYTES, Buffer.from('\n')]);
  expect(await written('function call f', { bytes: BYTES })).toEqual({ out: answered, stderr: '' });
  expect(await written('function logs f', { bytes: BYTES })).toEqual({ out: BYTES, stderr: '' });
});

test('that a function has printed nothing is said', async () => {
  const nothing = { bytes: new Uint8Array() };
  const stderr = 'INFO[0000] Function f has printed nothing yet.\n';
  expect(await written('function logs f', nothing)).toEqual({ out: Buffer.alloc(0), stderr });
  expect((await written('function logs f --tail 0', nothing)).stderr).toBe('');
});
