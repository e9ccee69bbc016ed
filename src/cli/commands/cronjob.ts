import type { Command } from 'commander';
import { TrigateError } from '../../domain/errors.ts';
import { onlyArgument, requireFlags } from '../arguments.ts';
import type { ListFlags } from '../listing.ts';
import { type DryRunFlags, dryRunOf, example, withDryRunOptions, withListOptions, withNamespace } from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

const ARGUMENT = 'cronjob trigger name';
const NAMESPACE = 'namespace of the trigger';

interface WriteFlags extends GlobalFlags, DryRunFlags {
  readonly function?: string;
  readonly functionSelector?: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly payload?: string;
  readonly payloadFromFile?: string;
  readonly startingDeadlineSeconds?: string;
  readonly missed?: string;
  readonly concurrencyPolicy?: string;
  readonly suspend?: string;
}

/** `trigger cronjob …`: Kubeless' commands, and `next` and `fire`. */
export function declareCronJob(trigger: Command, shell: Shell): void {
  const group = trigger.command('cronjob').description('triggers that fire on a schedule');
  declareWrite(group, 'create', shell);
  declareWrite(group, 'update', shell);
  declareDelete(group, shell);
  declareList(group, shell);
  declareNext(group, shell);
  declareFire(group, shell);
}

const exampleOf = (rest: string) => example(`trigger cronjob ${rest}`);

const WRITE = {
  create: {
    text: 'create a cronjob trigger',
    example: `create nightly --function report --schedule '0 6 * * mon-fri' --time-zone Europe/Berlin`,
  },
  update: {
    text: 'change a cronjob trigger; what is not given stays',
    example: `update nightly --schedule '@hourly'`,
  },
} as const;

function declareWrite(group: Command, verb: 'create' | 'update', shell: Shell): void {
  const command = group.command(verb).description(WRITE[verb].text).argument('[name...]').usage('<name> [options]');
  withNamespace(command, NAMESPACE)
    .option('--function <name>', 'function to call')
    .option('--function-selector <selector>', 'instead: labels of the functions to call')
    .option('--schedule <schedule>', 'five cron fields, six with seconds first, @hourly and the like, or @every 90s')
    .option('--time-zone <zone>', 'of the schedule, such as Europe/Berlin (default: UTC)')
    .option('-p, --payload <json>', 'what the function gets; without one it gets a GET')
    .option('-f, --payload-from-file <file>', 'the same from a JSON or YAML file')
    .option('--starting-deadline-seconds <seconds>', 'how late a tick may fire (default: 30)')
    .option('--missed <policy>', 'for ticks later than that: skip, one or all (default: skip)')
    .option('--concurrency-policy <policy>', 'Allow, Forbid or Replace (default: Allow)')
    .option('--suspend <bool>', 'true: no tick fires');
  withDryRunOptions(command)
    .addHelpText('after', exampleOf(WRITE[verb].example))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, ARGUMENT);
      if (verb === 'create') {
        requireFlags({ schedule: flags.schedule, function: flags.function ?? flags.functionSelector });
      }
      const actions = await import('../actions/cronjob.ts');
      const write = verb === 'create' ? actions.createCronJob : actions.updateCronJob;
      const dryRun = dryRunOf(flags);
      await withGateway(shell, flags, (session) => write(session, name, { ...flags, dryRun }));
    });
}

function declareDelete(group: Command, shell: Shell): void {
  const command = group
    .command('delete')
    .description('delete a cronjob trigger and its counts')
    .argument('[name...]')
    .usage('<name> [options]');
  withNamespace(command, NAMESPACE)
    .addHelpText('after', exampleOf('delete nightly -n shop'))
    .action(async (args: string[], _, command: Command) => {
      const name = onlyArgument(args, ARGUMENT);
      const [{ deleteTrigger }, { cronJobSort }] = await Promise.all([
        import('../actions/trigger.ts'),
        import('../cronjob-sort.ts'),
      ]);
      await withGateway(shell, command.optsWithGlobals(), (session) => deleteTrigger(session, cronJobSort, name));
    });
}

function declareList(group: Command, shell: Shell): void {
  withListOptions(group.command('list').alias('ls').description('list cronjob triggers'), 'triggers')
    .addHelpText('after', exampleOf('list -A -o wide'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & ListFlags>();
      const { listCronJobs } = await import('../actions/cronjob.ts');
      await withGateway(shell, flags, (session) => listCronJobs(session, flags));
    });
}

interface NextFlags extends GlobalFlags {
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly count: string;
}

function declareNext(group: Command, shell: Shell): void {
  group
    .command('next')
    .description('show when a trigger, or a schedule, fires next')
    .argument('[name]')
    .usage('<name> | --schedule <schedule> [options]')
    .option('--namespace <namespace>', 'namespace of the trigger (default: "default")')
    .option('--schedule <schedule>', 'a schedule instead of a trigger')
    .option('--time-zone <zone>', 'of that schedule (default: UTC)')
    .option('-n, --count <number>', 'how many times', '5')
    .addHelpText('after', exampleOf(`next --schedule '30 2 * * *' --time-zone Europe/Berlin -n 3`))
    .action(async (name: string | undefined, _, command: Command) => {
      const flags = command.optsWithGlobals<NextFlags>();
      if (name !== undefined && flags.schedule !== undefined) {
        throw new TrigateError('INVALID_ARGUMENT', 'Give the name of a trigger or --schedule, found both.');
      }
      const { showNext, nextOfTrigger } = await import('../actions/cronjob-next.ts');
      if (flags.schedule !== undefined) return showNext(shell, { ...flags, schedule: flags.schedule });
      requireFlags({ schedule: name });
      await withGateway(shell, flags, (session) => nextOfTrigger(session, name ?? '', flags));
    });
}

function declareFire(group: Command, shell: Shell): void {
  const command = group
    .command('fire')
    .description('fire a trigger once now, beside its schedule')
    .argument('[name...]')
    .usage('<name> [options]');
  withNamespace(command, NAMESPACE)
    .addHelpText('after', exampleOf('fire nightly'))
    .action(async (args: string[], _, command: Command) => {
      const name = onlyArgument(args, ARGUMENT);
      const { fireCronJob } = await import('../actions/cronjob-fire.ts');
      await withGateway(shell, command.optsWithGlobals(), (session) => fireCronJob(session, name));
    });
}
