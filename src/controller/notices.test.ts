import { expect, test } from 'vitest';
import type { Condition } from '../domain/resource.ts';
import type { TriggerStatus } from '../domain/trigger.ts';
import { gapNotice, noticesOf, outcomeNotice } from './notices.ts';

type Said = readonly [type: string, status: Condition['status'], reason: string, message?: string];

const status = (functions: string[], ...conditions: Said[]): TriggerStatus => ({
  functions,
  conditions: conditions.map(([type, is, reason, message = reason]) => ({
    type,
    status: is,
    reason,
    message,
    lastTransitionTime: '',
  })),
});

const reasons = (before: TriggerStatus | undefined, after: TriggerStatus): string[] =>
  noticesOf(before, after).map(({ type, reason }) => `${type} ${reason}`);

const connecting: Said = ['SourceConnected', 'False', 'Connecting'];
const connected: Said = ['SourceConnected', 'True', 'Connected'];
const away: Said = ['SourceConnected', 'False', 'BROKER_UNREACHABLE'];

test('a source that begins to connect is nothing to tell; one that has, or that cannot, is', () => {
  expect(reasons(undefined, status([], connecting))).toEqual([]);
  expect(reasons(status([], connecting), status([], connected))).toEqual(['Normal SourceConnected']);
  expect(reasons(status([], connected), status([], away))).toEqual(['Warning SourceDisconnected']);
  expect(reasons(status([], connecting), status([], away))).toEqual(['Warning SourceDisconnected']);
});

test('another sentence for the same state is not told again', () => {
  const tries = (n: number) => status([], ['SourceConnected', 'False', 'BROKER_UNREACHABLE', `try ${n}`]);
  expect(reasons(tries(1), tries(2))).toEqual([]);
});

test('functions are told when others match, and when none does', () => {
  const matched: Said = ['FunctionsMatched', 'True', 'Matched'];
  const none: Said = ['FunctionsMatched', 'False', 'NoFunction'];
  expect(reasons(undefined, status(['a'], matched))).toEqual(['Normal FunctionsMatched']);
  expect(reasons(status(['a'], matched), status(['a', 'b'], matched))).toEqual(['Normal FunctionsMatched']);
  expect(reasons(status(['a'], matched), status(['a'], matched))).toEqual([]);
  expect(reasons(status(['a'], matched), status([], none))).toEqual(['Warning NoFunction']);
});

test('a mistake in a spec is told, and another mistake again', () => {
  const invalid = (message: string) => status([], ['Ready', 'False', 'InvalidSpec', message]);
  expect(noticesOf(undefined, invalid('spec.topic is missing'))).toEqual([
    { type: 'Warning', reason: 'InvalidSpec', note: 'spec.topic is missing' },
  ]);
  expect(reasons(invalid('a'), invalid('a'))).toEqual([]);
  expect(reasons(invalid('a'), invalid('b'))).toEqual(['Warning InvalidSpec']);
});

test('a pause and its end, a stall and its end', () => {
  const paused: Said = ['Paused', 'True', 'Paused'];
  const running: Said = ['Paused', 'False', 'Running'];
  expect(reasons(undefined, status([], running))).toEqual([]);
  expect(reasons(status([], running), status([], paused))).toEqual(['Normal Paused']);
  expect(reasons(status([], paused), status([], running))).toEqual(['Normal Resumed']);
  const stalled: Said = ['Delivering', 'False', 'SourceStalled'];
  const moving: Said = ['Delivering', 'True', 'Moving'];
  expect(reasons(undefined, status([], moving))).toEqual([]);
  expect(reasons(status([], moving), status([], stalled))).toEqual(['Warning SourceStalled']);
  expect(reasons(status([], stalled), status([], moving))).toEqual(['Normal Delivering']);
});

test('what was lost without a number, and what a crash left in doubt, is told; what is only counted is not', () => {
  expect(gapNotice({ from: 0, to: 1_000, cause: 'the topic was made again' })).toEqual({
    type: 'Warning',
    reason: 'EventsLost',
    note: 'between 1970-01-01T00:00:00.000Z and 1970-01-01T00:00:01.000Z: the topic was made again',
  });
  expect(outcomeNotice({ type: 'unknown', reason: 'crash', ms: 0 }, 'f')).toMatchObject({ reason: 'InDoubt' });
  expect(outcomeNotice({ type: 'dropped', reason: 'claim_lost' }, 'f')).toMatchObject({ reason: 'ClaimsLost' });
  expect(outcomeNotice({ type: 'unknown', reason: 'timeout', ms: 0 }, 'f')).toBeUndefined();
  expect(outcomeNotice({ type: 'delivered', status: 200, ms: 0 }, 'f')).toBeUndefined();
});
