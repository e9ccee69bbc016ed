import { TrigateError } from '../../domain/errors.ts';
import { printable } from '../../telemetry/printable.ts';
import { checkHeaderValue, readHeaders } from '../header-flag.ts';
import { checkPublishTopic, checkTopicName } from '../names.ts';
import { formatObject, isForm, readOutput } from '../output.ts';
import type { Session } from '../shell.ts';
import { type DataFlags, readData } from './event-data.ts';

export interface TopicFlags {
  readonly broker?: string | undefined;
}

const MOST_PARTITIONS = 10_000;

export async function createTopic(
  { gateways, messages }: Session,
  topic: string,
  { partitions, broker }: TopicFlags & { readonly partitions: string },
): Promise<void> {
  checkTopicName(topic);
  if (!/^[1-9]\d{0,4}$/.test(partitions) || Number(partitions) > MOST_PARTITIONS) {
    const allowed = `a whole number from 1 to ${MOST_PARTITIONS}`;
    throw new TrigateError('INVALID_ARGUMENT', `--partitions must be ${allowed}, found ${JSON.stringify(partitions)}.`);
  }
  const gateway = await gateways.topics();
  const has = await gateway.createTopic(topic, Number(partitions), broker);
  messages.info(`Created topic ${topic}.`);
  if (has !== Number(partitions))
    messages.warning(`It has ${has} partition${has === 1 ? '' : 's'}: more than that is for Kafka.`);
}

export async function deleteTopic(
  { gateways, messages }: Session,
  topic: string,
  { broker }: TopicFlags,
): Promise<void> {
  checkTopicName(topic);
  const gateway = await gateways.topics();
  await gateway.deleteTopic(topic, broker);
  messages.info(`Deleted topic ${topic}.`);
}

/** One name on each line, as Kafka's own script prints them. */
export async function listTopics(
  { gateways, terminal, messages }: Session,
  { broker, output: text }: TopicFlags & { readonly output?: string | undefined },
): Promise<void> {
  const output = readOutput(text, ['name', 'json', 'yaml', 'jsonpath']);
  const gateway = await gateways.topics();
  const topics = (await gateway.listTopics(broker)).toSorted();
  if (isForm(output) && output.type !== 'name') {
    terminal.stdout.write(await formatObject({ topics }, output));
    return;
  }
  if (topics.length === 0) messages.info('There are no topics.');
  for (const topic of topics) terminal.stdout.write(`${printable(topic)}\n`);
}

export interface PublishFlags extends TopicFlags, DataFlags {
  readonly topic: string;
  readonly key?: string | undefined;
  readonly header: readonly string[];
  readonly output?: string | undefined;
}

export async function publishEvent({ gateways, terminal, messages }: Session, flags: PublishFlags): Promise<void> {
  checkPublishTopic(flags.topic);
  const json = asJson(flags.output);
  const headers = readHeaders(flags.header);
  // The others travel in a form that takes any text.
  for (const [name, value] of Object.entries(headers)) if (/^content-type$/i.test(name)) checkHeaderValue(name, value);
  const data = await readData(flags, terminal);
  const gateway = await gateways.topics();
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
