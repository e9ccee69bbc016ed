import { TrigateError } from '../../domain/errors.ts';
import { checkPublishTopic, checkTopicName } from '../names.ts';
import { formatObject, isForm, readOutput } from '../output.ts';
import type { GatewaySession } from '../shell.ts';
import { type DataFlags, readData } from './event-data.ts';

export interface TopicFlags {
  readonly broker?: string | undefined;
}

const MOST_PARTITIONS = 10_000;

export async function createTopic(
  { gateway, messages }: GatewaySession,
  topic: string,
  { partitions, broker }: TopicFlags & { readonly partitions: string },
): Promise<void> {
  checkTopicName(topic);
  if (!/^[1-9]\d{0,4}$/.test(partitions) || Number(partitions) > MOST_PARTITIONS) {
    const allowed = `a whole number from 1 to ${MOST_PARTITIONS}`;
    throw new TrigateError('INVALID_ARGUMENT', `--partitions must be ${allowed}, found ${JSON.stringify(partitions)}.`);
  }
  await gateway.createTopic(topic, Number(partitions), broker);
  messages.info(`Created topic ${topic}.`);
}

export async function deleteTopic(
  { gateway, messages }: GatewaySession,
  topic: string,
  { broker }: TopicFlags,
): Promise<void> {
  checkTopicName(topic);
  await gateway.deleteTopic(topic, broker);
  messages.info(`Deleted topic ${topic}.`);
}

/** One name on each line, as Kafka's own script prints them. */
export async function listTopics(
  { gateway, terminal, messages }: GatewaySession,
  { broker, output: text }: TopicFlags & { readonly output?: string | undefined },
): Promise<void> {
  const output = readOutput(text, ['name', 'json', 'yaml', 'jsonpath']);
  const topics = (await gateway.listTopics(broker)).toSorted();
  if (isForm(output) && output.type !== 'name') {
    terminal.stdout.write(await formatObject({ topics }, output));
    return;
  }
  if (topics.length === 0) messages.info('There are no topics.');
  for (const topic of topics) terminal.stdout.write(`${topic}\n`);
}

export interface PublishFlags extends TopicFlags, DataFlags {
  readonly topic: string;
  readonly key?: string | undefined;
  readonly header: readonly string[];
  readonly output?: string | undefined;
}

export async function publishEvent(
  { gateway, terminal, messages }: GatewaySession,
  flags: PublishFlags,
): Promise<void> {
  checkPublishTopic(flags.topic);
  const json = asJson(flags.output);
  const headers = readHeaders(flags.header);
  const data = await readData(flags, terminal);
  const stored = await gateway.publish(flags.topic, { data, key: flags.key, headers }, flags.broker);
  if (json) {
    terminal.stdout.write(`${JSON.stringify(stored)}\n`);
    return;
  }
  const place = stored.offset === undefined ? '' : `, partition ${stored.partition ?? 0}, offset ${stored.offset}`;
  messages.info(`Published to topic ${stored.topic}${place}.`);
}

function asJson(output: string | undefined): boolean {
  if (output === undefined || output === 'json') return output === 'json';
  throw new TrigateError('INVALID_ARGUMENT', `Output format needs to be json, found ${JSON.stringify(output)}.`);
}

export function readHeaders(given: readonly string[]): Record<string, string> {
  const headers: [string, string][] = given.map((text) => {
    const at = text.indexOf('=');
    const name = text.slice(0, at);
    // RFC 9110, 5.6.2: a token; what is no token would not survive as a header of the function's request.
    if (at > 0 && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [name, text.slice(at + 1)];
    throw new TrigateError('INVALID_ARGUMENT', `--header must be name=value, found ${JSON.stringify(text)}.`);
  });
  return Object.fromEntries(headers);
}
