import { TrigateError } from '../../domain/errors.ts';

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** Kafka's rule for topic names, which subjects of NATS that are published to also keep here. */
export function checkTopicName(topic: string): void {
  if (TOPIC_NAME.test(topic) && topic !== '.' && topic !== '..') return;
  throw new TrigateError(
    'INVALID_ARGUMENT',
    `topic must be 1 to 249 of the characters a-z A-Z 0-9 . _ - (and not "." or ".."), found ${shown(topic)}`,
  );
}

/** What of a long or unprintable name goes into a sentence. */
function shown(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 57)}...` : name);
}

export type TopicFilter =
  | { readonly type: 'exact'; readonly topic: string }
  | { readonly type: 'wildcard'; readonly pattern: string; readonly regex: RegExp };

/**
 * Reads a topic name or a NATS subject with wildcards: `*` stands for one token, `>` at the end for one or more.
 * @throws TrigateError INVALID_ARGUMENT
 * @see https://docs.nats.io/nats-concepts/subjects#wildcards
 */
export function topicFilter(pattern: string): TopicFilter {
  const tokens = pattern.split('.');
  if (!tokens.includes('*') && !tokens.includes('>')) {
    checkTopicName(pattern);
    return { type: 'exact', topic: pattern };
  }
  const valid = tokens.every(
    (token, i) => token === '*' || (token === '>' && i === tokens.length - 1) || /^[a-zA-Z0-9_-]+$/.test(token),
  );
  if (!valid || pattern.length > 249) {
    throw new TrigateError(
      'INVALID_ARGUMENT',
      `topic must be tokens of a-z A-Z 0-9 _ - or * between dots, with > only as the last one, found ${shown(pattern)}`,
    );
  }
  const parts = tokens.map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token));
  return { type: 'wildcard', pattern, regex: new RegExp(`^${parts.join('\\.')}$`) };
}

export function matches(filter: TopicFilter, topic: string): boolean {
  return filter.type === 'exact' ? filter.topic === topic : filter.regex.test(topic);
}
