import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { TriggerView } from '../controller/controller.ts';
import { controllerReadiness, gatewayReadiness } from './readiness.ts';

const view = (name: string, connected: boolean, isOpening = false): TriggerView => ({
  trigger: { kind: 'nats', namespace: 'a', name },
  topic: 'x',
  functions: ['f'],
  ready: connected,
  connected,
  isOpening,
  message: connected ? 'reads' : 'connect ECONNREFUSED',
});

test('a controller is ready when it runs and has tried every source; what one of them meets later is its own matter', () => {
  const readiness = controllerReadiness(new ManualClock());
  const ready = (views: TriggerView[], isRunning = true) => readiness(views, isRunning).ready;
  expect(ready([], false)).toBe(false);
  expect(ready([view('good', true), view('bad', false, true)])).toBe(false);
  expect(ready([view('good', true), view('bad', false)])).toBe(true);
  expect(ready([view('good', false), view('bad', false)])).toBe(true);
  expect(ready([view('new', false, true)])).toBe(true);
  expect(readiness([view('bad', false)], true).checks).toEqual([
    { name: 'controller', ok: true, message: 'runs' },
    { name: 'nats/a/bad', ok: false, message: 'connect ECONNREFUSED' },
  ]);
  expect(ready([view('good', true)], false)).toBe(false);
});

test('a source that neither connects nor fails holds up the start of a controller for half a minute', () => {
  const clock = new ManualClock();
  const readiness = controllerReadiness(clock);
  const ready = () => readiness([view('hangs', false, true)], true).ready;
  expect(ready()).toBe(false);
  clock.advance(29_000);
  expect(ready()).toBe(false);
  clock.advance(1_000);
  expect(ready()).toBe(true);
});

test('a gateway is ready while every trigger that has functions is connected', () => {
  expect(gatewayReadiness([view('good', true)], true).ready).toBe(true);
  expect(gatewayReadiness([view('good', true), view('bad', false)], true).ready).toBe(false);
  expect(gatewayReadiness([{ ...view('idle', false), functions: [] }], true).ready).toBe(true);
  expect(gatewayReadiness([], false).ready).toBe(false);
});
