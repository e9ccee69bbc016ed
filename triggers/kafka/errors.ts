import kafkajs from 'kafkajs';
import { asError, TrigateError } from '../../src/sdk.ts';

/*
 * Errors of kafkajs in words of ours, one sentence each: they are shown in `Ready`. None of them holds a secret: kafkajs
 * puts none into its errors.
 */

/** OpenSSL's own form: `0A…:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:…`. */
const OPENSSL = /^(.*?)[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):.*$/s;

export function unreachable(thrown: unknown): TrigateError {
  const error = original(thrown);
  const message = asError(error).message.replace(OPENSSL, '$1$2');
  if (isLogin(error)) {
    return new TrigateError('BROKER_UNREACHABLE', `Kafka refused the login: ${message}`, { cause: error });
  }
  return new TrigateError('BROKER_UNREACHABLE', `Kafka cannot be reached: ${message}`, { cause: error });
}

/** What went wrong with a topic, or with a group that reads it. */
export function translated(thrown: unknown, topic: string, group?: string): TrigateError {
  const error = original(thrown);
  if (!(error instanceof kafkajs.KafkaJSProtocolError)) return unreachable(error);
  switch (error.type) {
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return new TrigateError('NOT_FOUND', `there is no topic "${topic}"`);
    case 'MESSAGE_TOO_LARGE':
      return new TrigateError('TOO_LARGE', 'the event is larger than Kafka accepts');
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return new TrigateError(
        'CONFLICT',
        `group "${group}" has a member that divides partitions in another way, as Kubeless' Kafka controller does; stop it first`,
      );
    case 'ILLEGAL_SASL_STATE':
      return unreachable(error);
    case 'TOPIC_AUTHORIZATION_FAILED':
      return new TrigateError('FORBIDDEN', `Kafka does not let this login use topic "${topic}"`);
    case 'GROUP_AUTHORIZATION_FAILED':
      return new TrigateError('FORBIDDEN', `Kafka does not let this login use group "${group}"`);
    default:
      if (error.retriable) return unreachable(error);
      return new TrigateError('INVALID_ARGUMENT', `Kafka refused topic "${topic}": ${error.message}`);
  }
}

/** The same for anything that may be thrown while a topic is read: what is no error of kafkajs stays as it is. */
export const inWords = (thrown: unknown, topic: string, group: string): Error =>
  thrown instanceof kafkajs.KafkaJSError ? translated(thrown, topic, group) : asError(thrown);

/** Who goes on after a login that was refused is told that the connection is in no state for it. */
const isLogin = (error: unknown): boolean =>
  error instanceof kafkajs.KafkaJSSASLAuthenticationError ||
  (error instanceof kafkajs.KafkaJSProtocolError && error.type === 'ILLEGAL_SASL_STATE');

/** kafkajs wraps what it has tried several times, or will not try again. */
function original(thrown: unknown): unknown {
  if (!(thrown instanceof kafkajs.KafkaJSNonRetriableError)) return thrown;
  return thrown.cause instanceof kafkajs.KafkaJSError ? original(thrown.cause) : thrown;
}
