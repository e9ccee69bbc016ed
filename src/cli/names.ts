import { TrigateError } from '../domain/errors.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const NAMESPACE = new RegExp(`^${LABEL}$`);
const OBJECT_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const KAFKA_TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

export function checkObjectName(what: string, name: string): void {
  const allowed = 'at most 253 lower-case letters, digits, "-" and ".", with a letter or digit at both ends';
  check(OBJECT_NAME.test(name) && name.length <= 253, what, name, allowed);
}

export function checkNamespace(namespace: string): void {
  const allowed = 'at most 63 lower-case letters, digits and "-", with a letter or digit at both ends';
  check(NAMESPACE.test(namespace) && namespace.length <= 63, 'namespace', namespace, allowed);
}

export function checkTopicName(topic: string): void {
  const allowed = '1 to 249 of the characters a-z A-Z 0-9 . _ - and not "." or ".."';
  check(KAFKA_TOPIC.test(topic) && topic !== '.' && topic !== '..', 'topic', topic, allowed);
}

/** A topic or a subject that an event can be sent to. */
export function checkPublishTopic(topic: string): void {
  const valid = topic.length <= 249 && topic.split('.').every(isPlainToken);
  check(valid, 'topic', topic, 'a topic name or a NATS subject without "*" and ">"');
}

// Spaces end a subject in the NATS protocol, https://docs.nats.io/reference/reference-protocols/nats-protocol
const isPlainToken = (token: string): boolean => /^[^\s\p{Cc}*>]+$/u.test(token);

function check(valid: boolean, what: string, found: string, allowed: string): void {
  if (!valid) throw new TrigateError('INVALID_ARGUMENT', `The ${what} must be ${allowed}, found ${shown(found)}.`);
}

/** What of a text that may be long goes into a sentence. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
