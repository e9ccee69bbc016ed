import { createRequire } from 'node:module';
import kafkajs, { type Kafka, type KafkaConfig as KafkaJsConfig } from 'kafkajs';
import type { Logger } from '../../src/sdk.ts';
import { registerCodecs } from './codecs.ts';
import { patchMembership } from './membership.ts';

/*
 * Everything that reaches below the public face of kafkajs 2.2.4 stands in this file and in membership.ts; their test
 * fails when the library changes under them.
 */

// CommonJS, whose names a module loader does not all see: they are taken from the default export.
const require = createRequire(import.meta.url);

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

/**
 * kafkajs re-arms a timer with a negative delay after each check of a connection's queue, also when nothing waits: a loop
 * of about 1 ms per idle connection, and on Node.js 24 a warning (tulios/kafkajs#1604, #1751). Here the timer is armed
 * only while something waits, which is what it is for.
 */
export function patchIdleTimer(): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue & { patched?: true } };
  if (prototype.patched === true) return;
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
  prototype.patched = true;
}

/** Of one record: functions get fewer. */
const MAX_RECORD_HEADERS = 256;

interface Decoder {
  /** kafkajs reads nothing but the headers of a record with it. */
  readVarIntArray(reader: object): unknown[];
}

/**
 * kafkajs gathers the headers of a record by copying all that it has for each one more: a few records with thousands of
 * them would stop the process for seconds, heartbeats included. What comes behind the first ones is left out.
 */
export function patchRecordHeaders(): void {
  const { prototype } = require('kafkajs/src/protocol/decoder') as { prototype: Decoder & { patched?: true } };
  if (prototype.patched === true) return;
  const readVarIntArray = prototype.readVarIntArray;
  prototype.readVarIntArray = function (this: Decoder, reader) {
    return readVarIntArray.call(this, reader).slice(0, MAX_RECORD_HEADERS);
  };
  prototype.patched = true;
}

/**
 * Answers to an OffsetCommit after which it is certain that nothing was applied, and nothing will be. NOT_COORDINATOR_FOR_GROUP
 * is not among them: a coordinator that loses its log while a commit is being replicated answers so, and its successor may
 * have the commit.
 */
const REFUSALS: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'OFFSET_METADATA_TOO_LARGE',
  'INVALID_COMMIT_OFFSET_SIZE',
]);

/** A refusal by the broker, as opposed to a time-out or a lost connection, which leave a commit in doubt. */
export const isRefusal = (error: Error): boolean =>
  error instanceof kafkajs.KafkaJSProtocolError && REFUSALS.has(error.type);

/**
 * A kafkajs client. What it logs, several lines for each try, is for debugging: its errors reach whoever called it, and are
 * shown there once.
 */
export function createKafka(config: KafkaJsConfig, log: Logger): Kafka {
  patchIdleTimer();
  patchRecordHeaders();
  patchMembership();
  registerCodecs();
  return new kafkajs.Kafka({
    ...config,
    logLevel: kafkajs.logLevel.WARN,
    logCreator:
      () =>
      ({ log: { message, logger: _logger, timestamp: _timestamp, stack: _stack, ...fields } }) =>
        log.debug(fields, `kafkajs: ${message}`),
  });
}
