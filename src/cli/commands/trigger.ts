import type { Command } from 'commander';
import { onlyArgument, requireFlags } from '../arguments.ts';
import type { ListFlags } from '../listing.ts';
import { type DryRunFlags, dryRunOf, example, withDryRunOptions, withListOptions, withNamespace } from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';
import { type TriggerSort, triggerSorts } from '../trigger-sorts.ts';
import { declareCronJob } from './cronjob.ts';
import { declareKubernetes } from './kubernetes.ts';
import { declareNotYet } from './not-yet.ts';

interface WriteFlags extends GlobalFlags, DryRunFlags {
  readonly triggerTopic?: string;
  readonly functionSelector?: string;
}

interface NatsPublishFlags {
  readonly url?: string;
  readonly topic: string;
  readonly message?: string;
  readonly broker: string;
  readonly jetstream?: boolean;
}

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
  declareKubernetes(trigger, shell);
  declareNotYet(trigger, 'http', "send requests to the function's Service, with an Ingress or a Gateway route");
  declareNotYet(trigger, 'kinesis', 'bring the records into a Kafka or NATS topic, and make a trigger for that');
}

const exampleOf = (sort: TriggerSort, rest: string) => example(`trigger ${sort.noun} ${rest}`);

function withWriteOptions(command: Command, sort: TriggerSort): Command {
  withNamespace(command.argument('[name...]').usage('<name> [options]'), 'namespace of the trigger')
    .option('--trigger-topic <topic>', `topic to listen to in ${sort.title}`)
    .option('--function-selector <selector>', 'labels of the functions to call, such as k=v,k2=v2 or "k in (a,b)"');
  return withDryRunOptions(command);
}

function declareCreate(group: Command, sort: TriggerSort, shell: Shell): void {
  withWriteOptions(group.command('create').description(`create a ${sort.title} trigger`), sort)
    .addHelpText(
      'after',
      exampleOf(sort, `create pay --trigger-topic ${sort.exampleTopic} --function-selector app=pay`),
    )
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, sort.argument);
      requireFlags({ 'trigger-topic': flags.triggerTopic, 'function-selector': flags.functionSelector });
      const { createTrigger } = await import('../actions/topic-trigger.ts');
      await withGateway(shell, flags, (session) => createTrigger(session, sort, name, writeFlags(flags)));
    });
}

function declareUpdate(group: Command, sort: TriggerSort, shell: Shell): void {
  withWriteOptions(group.command('update').description(`change a ${sort.title} trigger; what is not given stays`), sort)
    .addHelpText('after', exampleOf(sort, 'update pay --function-selector "app in (pay,audit)"'))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, sort.argument);
      const { updateTrigger } = await import('../actions/topic-trigger.ts');
      await withGateway(shell, flags, (session) => updateTrigger(session, sort, name, writeFlags(flags)));
    });
}

const writeFlags = (flags: WriteFlags) => ({
  triggerTopic: flags.triggerTopic,
  functionSelector: flags.functionSelector,
  dryRun: dryRunOf(flags),
  output: flags.output,
});

function declareDelete(group: Command, sort: TriggerSort, shell: Shell): void {
  const command = group
    .command('delete')
    .description(`delete a ${sort.title} trigger; its position stays with its name`)
    .argument('[name...]')
    .usage('<name> [options]');
  withNamespace(command, 'namespace of the trigger')
    .addHelpText('after', exampleOf(sort, 'delete pay -n shop'))
    .action(async (args: string[], _, command: Command) => {
      const name = onlyArgument(args, sort.argument);
      const { deleteTrigger } = await import('../actions/trigger.ts');
      await withGateway(shell, command.optsWithGlobals(), (session) => deleteTrigger(session, sort, name));
    });
}

function declareList(group: Command, sort: TriggerSort, shell: Shell): void {
  const command = group.command('list').alias('ls').description(`list ${sort.title} triggers`);
  withListOptions(command, 'triggers')
    .addHelpText('after', exampleOf(sort, 'list -A -o wide'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & ListFlags>();
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
    .option('--jetstream', 'wait until a stream of JetStream has the message')
    .option('--broker <name>', 'without --url: kafka, nats or log of the gateway', 'nats')
    .addHelpText('after', example("trigger nats publish --url nats://localhost:4222 --topic orders.eu --message '{}'"))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & NatsPublishFlags>();
      const { message = '', topic, url, broker, jetstream = false } = flags;
      requireFlags({ message: flags.message });
      const { publishToNats, publishThroughGateway } = await import('../actions/nats-publish.ts');
      const what = { topic, message, jetstream };
      if (url !== undefined) await publishToNats(shell, url, what);
      else await withGateway(shell, flags, (session) => publishThroughGateway(session, broker, what));
    });
}
