import { expect, test } from 'vitest';
import { Refusals } from './refusals.ts';

const SENTENCE =
  'http://a leads to 127.0.0.1, which is never called: loopback, link-local, the API server and the pod of the controller itself are refused';

test('an origin that led to a forbidden address is told, until it leads elsewhere', () => {
  const refusals = new Refusals((address) => address === '127.0.0.1');
  let changes = 0;
  refusals.onChange = () => changes++;
  const rules = refusals.rulesOf('http://a');
  expect([rules('10.0.0.1'), refusals.of('http://a'), changes]).toEqual([false, undefined, 0]);
  expect([rules('127.0.0.1'), rules('127.0.0.1'), changes]).toEqual([true, true, 1]);
  expect([refusals.of('http://a'), refusals.of('http://b')]).toEqual([SENTENCE, undefined]);
  expect([rules('10.0.0.1'), refusals.of('http://a'), changes]).toEqual([false, undefined, 2]);
});

test('what is no function any more is forgotten', () => {
  const refusals = new Refusals(() => true);
  for (const origin of ['http://a', 'http://b']) refusals.rulesOf(origin)('10.0.0.1');
  refusals.retain(new Set(['http://b']));
  expect([refusals.of('http://a'), refusals.of('http://b')?.slice(0, 8)]).toEqual([undefined, 'http://b']);
});
