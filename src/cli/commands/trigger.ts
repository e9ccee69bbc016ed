import type { Command } from 'commander';
import { onlyArgument, requireFlags } from '../arguments.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';
import { type TriggerSort, triggerSorts } from '../trigger-sorts.ts';
import { declareCronJob } from './cronjob.ts';

interface WriteFlags extends GlobalFlags {
  readonly triggerTopic?: string;
  readonly functionSelector?: string;
  readonly dryrun?: boolean;
  readonly dryRun?: boolean;
  readonly output: string;
}

interface NatsPublishFlags {
  readonly url?: string;
  readonly topic: string;
  readonly message?: string;
  readonly broker: string;
}

const NAMESPACE = ['-n, --namespace <namespace>', 'namespace of the trigger (default: "default")'] as const;

/** `trigger kafka …` and `trigger nats …`: one implementation, a row of the table for each. */
export function declareTrigger(program: Command, shell: Shell): void {
  const trigger = program.command('trigger').description('create, change and list triggers');
  for (const sort of triggerSorts) {
    const group = trigger.command(sort.noun).description(`triggers that listen to ${sort.title} topics`);
    declareCreate(group, sort, shell);
    declareUpdate(group, sort, shell);
    declareDelete(group, sort, shell);
    declareList(group, sort, shell);
    if (sort.noun === 'nats') declarePublish(group, shell);
  }
  declareCronJob(trigger, shell);
}

const example = (sort: TriggerSort, rest: string) => `\nExample:\n  $ trigate trigger ${sort.noun} ${rest}\n`;

function withWriteOptions(command: Command, sort: TriggerSort): Command {
  return command
    .argument('[name...]')
    .usage('<name> [options]')
    .option(...NAMESPACE)
    .option('--trigger-topic <topic>', `topic to listen to in ${sort.title}`)
    .option('--function-selector <selector>', 'labels of the functions to call, such as k=v,k2=v2 or "k in (a,b)"')
    .option('--dryrun', 'print the object instead of storing it')
    .option('--dry-run', 'the same')
    .option('-o, --output <format>', 'yaml or json, for --dryrun', 'yaml');
}

function declareCreate(group: Command, sort: TriggerSort, shell: Shell): void {
  withWriteOptions(group.command('create').description(`create a ${sort.title} trigger`), sort)
    .addHelpText('after', example(sort, `create pay --trigger-topic ${sort.exampleTopic} --function-selector app=pay`))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, sort.argument);
      requireFlags({ 'trigger-topic': flags.triggerTopic, 'function-selector': flags.functionSelector });
      const { createTrigger } = await import('../actions/trigger.ts');
      await withGateway(shell, flags, (session) => createTrigger(session, sort, name, writeFlags(flags)));
    });
}

function declareUpdate(group: Command, sort: TriggerSort, shell: Shell): void {
  withWriteOptions(group.command('update').description(`change a ${sort.title} trigger; what is not given stays`), sort)
    .addHelpText('after', example(sort, 'update pay --function-selector "app in (pay,audit)"'))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, sort.argument);
      const { updateTrigger } = await import('../actions/trigger.ts');
      await withGateway(shell, flags, (session) => updateTrigger(session, sort, name, writeFlags(flags)));
    });
}

const writeFlags = ({ triggerTopic, functionSelector, dryrun, dryRun, output }: WriteFlags) => ({
  triggerTopic,
  functionSelector,
  dryRun: dryrun === true || dryRun === true,
  output,
});

function declareDelete(group: Command, sort: TriggerSort, shell: Shell): void {
  group
    .command('delete')
    .description(`delete a ${sort.title} trigger; its position stays with its name`)
    .argument('[name...]')
    .usage('<name> [options]')
    .option(...NAMESPACE)
    .addHelpText('after', example(sort, 'delete pay -n shop'))
    .action(async (args: string[], _, command: Command) => {
      const name = onlyArgument(args, sort.argument);
      const { deleteTrigger } = await import('../actions/trigger.ts');
      await withGateway(shell, command.optsWithGlobals(), (session) => deleteTrigger(session, sort, name));
    });
}

function declareList(group: Command, sort: TriggerSort, shell: Shell): void {
  group
    .command('list')
    .alias('ls')
    .description(`list ${sort.title} triggers`)
    .option(...NAMESPACE)
    .option('-A, --all-namespaces', 'triggers of every namespace', false)
    .option('-o, --output <format>', 'wide, yaml or json')
    .addHelpText('after', example(sort, 'list -A -o wide'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & { allNamespaces: boolean; output: string | undefined }>();
      const { listTriggers } = await import('../actions/trigger-list.ts');
      await withGateway(shell, flags, (session) => listTriggers(session, sort, flags));
    });
}

function declarePublish(group: Command, shell: Shell): void {
  group
    .command('publish')
    .description('send a message to a NATS server, or through the gateway when no --url is given')
    .option('--url <url>', 'NATS server, such as nats://localhost:4222')
    .option('--topic <topic>', 'subject', 'kubeless')
    .option('--message <text>', 'the message')
    .option('--broker <name>', 'without --url: kafka, nats or log of the gateway', 'nats')
    .addHelpText(
      'after',
      "\nExample:\n  $ trigate trigger nats publish --url nats://localhost:4222 --topic orders.eu --message '{}'\n",
    )
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & NatsPublishFlags>();
      const { message, topic, url, broker } = flags;
      requireFlags({ message });
      const { publishToNats, publishThroughGateway } = await import('../actions/nats-publish.ts');
      if (url !== undefined) await publishToNats(shell, { url, topic, message: message ?? '' });
      else
        await withGateway(shell, flags, (session) =>
          publishThroughGateway(session, { topic, message: message ?? '', broker }),
        );
    });
}
