import type { Command } from 'commander';
import type { PublishFlags, TopicFlags } from '../actions/topic.ts';
import { onlyArgument } from '../arguments.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

/** Kubeless went into a pod of this namespace; a gateway knows its broker, so the flag is taken and not needed. */
const KAFKA_NAMESPACE = ['--kafka-namespace <namespace>', 'not used: the gateway knows its broker'] as const;
const BROKER = ['--broker <name>', 'kafka, nats or log (default: the first that the gateway has)'] as const;

export function declareTopic(program: Command, shell: Shell): void {
  const topic = program.command('topic').description('create, list and feed topics');
  declareCreate(topic, shell);
  declareDelete(topic, shell);
  declareList(topic, shell);
  declarePublish(topic, shell);
}

function declareCreate(topic: Command, shell: Shell): void {
  topic
    .command('create')
    .description('create a topic')
    .argument('[name...]')
    .usage('<name> [options]')
    .option('--partitions <number>', 'number of partitions', '1')
    .option(...BROKER)
    .option(...KAFKA_NAMESPACE)
    .addHelpText('after', '\nExample:\n  $ trigate topic create orders --partitions 4\n')
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & TopicFlags & { partitions: string }>();
      const name = onlyArgument(args, 'topic name');
      const { createTopic } = await import('../actions/topic.ts');
      await withGateway(shell, flags, (session) => createTopic(session, name, flags));
    });
}

function declareDelete(topic: Command, shell: Shell): void {
  topic
    .command('delete')
    .description('delete a topic and the events in it')
    .argument('[name...]')
    .usage('<name> [options]')
    .option(...BROKER)
    .option(...KAFKA_NAMESPACE)
    .addHelpText('after', '\nExample:\n  $ trigate topic delete orders\n')
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & TopicFlags>();
      const name = onlyArgument(args, 'topic name');
      const { deleteTopic } = await import('../actions/topic.ts');
      await withGateway(shell, flags, (session) => deleteTopic(session, name, flags));
    });
}

function declareList(topic: Command, shell: Shell): void {
  topic
    .command('list')
    .alias('ls')
    .description('list topics, one on each line')
    .option('-o, --output <format>', 'name, json, yaml or jsonpath=TEMPLATE')
    .option(...BROKER)
    .option(...KAFKA_NAMESPACE)
    .addHelpText('after', '\nExample:\n  $ trigate topic list\n')
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & TopicFlags & { output?: string }>();
      const { listTopics } = await import('../actions/topic.ts');
      await withGateway(shell, flags, (session) => listTopics(session, flags));
    });
}

function declarePublish(topic: Command, shell: Shell): void {
  topic
    .command('publish')
    .description('send an event to a topic')
    .option('--topic <topic>', 'topic or subject', 'kubeless')
    .option('--data <text>', 'the event')
    .option('--file <path>', 'the event from a file, or from standard input with -')
    .option('--key <key>', 'key of the event: events with one key keep their order')
    .option(
      '--header <name=value>',
      'header of the event; may be repeated',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option('-o, --output <format>', 'json: print where the event was stored')
    .option(...BROKER)
    .option(...KAFKA_NAMESPACE)
    .addHelpText(
      'after',
      `\nExample:\n  $ trigate topic publish --topic orders --data '{"order":1}' --key customer-7\n`,
    )
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & PublishFlags>();
      const { publishEvent } = await import('../actions/topic.ts');
      await withGateway(shell, flags, (session) => publishEvent(session, flags));
    });
}
