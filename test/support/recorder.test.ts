import { Agent, request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Recorder, startRecorder } from './recorder.ts';

let recorder: Recorder;
let agent: Agent;

beforeEach(async () => {
  recorder = await startRecorder(['first', 'second']);
  agent = new Agent();
});
afterEach(async () => {
  await agent.destroy();
  await recorder.close();
});

const call = (name: string, body: string) =>
  request(recorder.url(name), { dispatcher: agent, method: 'POST', body, headers: { 'event-id': `id-${body}` } });

test('a request is recorded with its function, event id and body', async () => {
  const arrived = recorder.waitFor('one request', () => recorder.of('first').length === 1);
  expect((await call('first', 'a')).statusCode).toBe(200);
  await arrived;
  expect(recorder.records).toMatchObject([
    { function: 'first', eventId: 'id-a', body: 'a', path: '/', method: 'POST' },
  ]);
  expect(recorder.of('second')).toEqual([]);
});

test('a function answers what it was told to, by request', async () => {
  recorder.behave('first', ({ eventId }) => ({ type: 'answer', status: eventId === 'id-bad' ? 500 : 204, afterMs: 1 }));
  expect((await call('first', 'bad')).statusCode).toBe(500);
  expect((await call('first', 'good')).statusCode).toBe(204);
});

test('a reset and a hang are recorded', async () => {
  recorder.behave('first', { type: 'reset' });
  await expect(call('first', 'a')).rejects.toThrow();
  recorder.behave('second', { type: 'hang' });
  const hanging = call('second', 'b').catch((error: Error) => error);
  await recorder.waitFor('both', () => recorder.distinct() === 2);
  await agent.destroy();
  expect(await hanging).toBeInstanceOf(Error);
});

test('a function that is down refuses connections and comes back on the same port', async () => {
  await recorder.down('first');
  await expect(call('first', 'a')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await recorder.up('first');
  expect((await call('first', 'a')).statusCode).toBe(200);
});

test('waiting in vain says what has come', async () => {
  await call('first', 'a');
  await expect(recorder.waitFor('two requests', () => recorder.records.length === 2, 1)).rejects.toThrow(
    'two requests; requests so far: first 1, second 0',
  );
});
