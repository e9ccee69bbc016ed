import { createRequire } from 'node:module';
import kafkajs, { type Kafka, type KafkaConfig as KafkaJsConfig } from 'kafkajs';
import type { Logger } from '../../src/sdk.ts';
import { registerCodecs } from './codecs.ts';
import { patchCommitting } from './committing.ts';
import { patchDecoding } from './decoding.ts';
import { patchFetching } from './fetching.ts';
import { patchMembership } from './membership.ts';
import { patchRotation } from './rotation.ts';

/*
 * Everything that reaches below the public face of kafkajs 2.2.4 stands in this file and in those whose functions
 * createKafka calls; their test fails when the library changes under them.
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

interface TimedQueue {
  readonly enforceRequestTimeout: boolean;
  readonly inflight: ReadonlyMap<
    number,
    { readonly sentAt: number; readonly requestTimeout: number; timeoutRequest(): void }
  >;
  isConnected(): boolean;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
}

const CHECK_TIMEOUTS_EVERY_MS = 1_000;

/**
 * kafkajs looks ten times a second, for each connection by itself, whether a request has gone without an answer for too
 * long, which is half a minute. With hundreds of connections that is what an idle process does. Here one timer looks at all
 * connections, once a second.
 */
function patchRequestTimeouts(): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: TimedQueue & { timed?: true } };
  if (prototype.timed === true) return;
  const { destroy } = prototype;
  const queues = new Set<TimedQueue>();
  let timer: NodeJS.Timeout | undefined;
  prototype.scheduleRequestTimeoutCheck = function (this: TimedQueue) {
    if (!this.enforceRequestTimeout) return;
    queues.add(this);
    timer ??= setInterval(() => {
      for (const queue of queues) checkTimeouts(queue);
    }, CHECK_TIMEOUTS_EVERY_MS);
  };
  prototype.destroy = function (this: TimedQueue) {
    destroy.call(this);
    queues.delete(this);
    if (queues.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  prototype.timed = true;
}

function checkTimeouts(queue: TimedQueue): void {
  const now = Date.now();
  for (const request of queue.inflight.values())
    if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
  if (!queue.isConnected()) queue.destroy();
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
  // The login of the connection has ended.
  'ILLEGAL_SASL_STATE',
]);

/**
 * A refusal by the broker, as opposed to a time-out or a lost connection, which leave a commit in doubt. A login is made
 * before the commit leaves, so where that is refused there was no commit.
 */
export const isRefusal = (error: Error): boolean =>
  error instanceof kafkajs.KafkaJSSASLAuthenticationError ||
  (error instanceof kafkajs.KafkaJSProtocolError && REFUSALS.has(error.type));

/**
 * A kafkajs client. What it logs, several lines for each try, is for debugging: its errors reach whoever called it, and are
 * shown there once.
 */
export function createKafka(config: KafkaJsConfig, log: Logger): Kafka {
  patchIdleTimer();
  patchRequestTimeouts();
  patchDecoding();
  patchFetching();
  patchCommitting();
  patchRotation();
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
