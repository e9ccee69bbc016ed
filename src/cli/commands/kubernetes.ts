import type { Command } from 'commander';
import { onlyArgument, requireFlags } from '../arguments.ts';
import type { ListFlags } from '../listing.ts';
import {
  append,
  type DryRunFlags,
  dryRunOf,
  example,
  withDryRunOptions,
  withListOptions,
  withNamespace,
} from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

const ARGUMENT = 'kubernetes trigger name';
const NAMESPACE = 'namespace of the trigger, and of the objects that it watches';

interface WriteFlags extends GlobalFlags, DryRunFlags {
  readonly resource?: string;
  readonly scope?: string;
  readonly event?: readonly string[];
  readonly objectSelector?: string;
  readonly fieldSelector?: string;
  readonly changed?: readonly string[];
  readonly mode?: string;
  readonly includeExisting?: boolean;
  readonly paused?: string;
  readonly functionSelector?: string;
}

/** `trigger kubernetes …`: changes of objects to functions. */
export function declareKubernetes(trigger: Command, shell: Shell): void {
  const group = trigger.command('kubernetes').description('triggers on changes of objects of the API server');
  declareWrite(group, 'create', shell);
  declareWrite(group, 'update', shell);
  declareDelete(group, shell);
  declareList(group, shell);
}

const exampleOf = (rest: string) => example(`trigger kubernetes ${rest}`);

const WRITE = {
  create: {
    text: 'create a trigger on changes of objects',
    example: 'create scaled --resource deployments.apps --changed /spec/replicas --function-selector app=audit',
  },
  update: {
    text: 'change a trigger on changes of objects; what is not given stays',
    example: 'update scaled --event modified --event deleted',
  },
} as const;

const more = (text: string, all: readonly string[] | undefined): readonly string[] => append(text, all ?? []);

function declareWrite(group: Command, verb: 'create' | 'update', shell: Shell): void {
  const command = group.command(verb).description(WRITE[verb].text).argument('[name...]').usage('<name> [options]');
  withNamespace(command, NAMESPACE)
    .option('--resource <resource>', 'what to watch: pods, deployments.apps, or apps/v1/Deployment')
    .option(
      '--scope <scope>',
      'namespace, allNamespaces or cluster, as far as the operator allows (default: namespace)',
    )
    .option('--event <verb>', 'added, modified or deleted; may be repeated (default: all of them)', more)
    .option('--object-selector <selector>', 'labels of the objects, such as k=v or "k in (a,b)" (default: all)')
    .option('--field-selector <selector>', 'fields of the objects, such as status.phase!=Running')
    .option('--changed <pointer>', 'only when what this JSON pointer leads to has changed; may be repeated', more)
    .option('--mode <mode>', 'object, reference or envelope (default: object; with --changed: envelope)')
    .option('--include-existing', 'begin with the objects that exist')
    .option('--paused <bool>', 'true: hold the position')
    .option('--function-selector <selector>', 'labels of the functions to call, such as k=v,k2=v2 or "k in (a,b)"');
  withDryRunOptions(command)
    .addHelpText('after', exampleOf(WRITE[verb].example))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, ARGUMENT);
      if (verb === 'create') requireFlags({ resource: flags.resource, 'function-selector': flags.functionSelector });
      const actions = await import('../actions/kubernetes.ts');
      const write = verb === 'create' ? actions.createKubernetesTrigger : actions.updateKubernetesTrigger;
      const dryRun = dryRunOf(flags);
      await withGateway(shell, flags, (session) => write(session, name, { ...flags, dryRun }));
    });
}

function declareDelete(group: Command, shell: Shell): void {
  const command = group
    .command('delete')
    .description('delete a trigger on changes of objects, its position and its counts')
    .argument('[name...]')
    .usage('<name> [options]');
  withNamespace(command, NAMESPACE)
    .addHelpText('after', exampleOf('delete scaled -n shop'))
    .action(async (args: string[], _, command: Command) => {
      const name = onlyArgument(args, ARGUMENT);
      const [{ deleteTrigger }, { kubernetesSort }] = await Promise.all([
        import('../actions/trigger.ts'),
        import('../kubernetes-sort.ts'),
      ]);
      await withGateway(shell, command.optsWithGlobals(), (session) => deleteTrigger(session, kubernetesSort, name));
    });
}

function declareList(group: Command, shell: Shell): void {
  withListOptions(group.command('list').alias('ls').description('list triggers on changes of objects'), 'triggers')
    .addHelpText('after', exampleOf('list -A -o wide'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & ListFlags>();
      const { listKubernetesTriggers } = await import('../actions/kubernetes.ts');
      await withGateway(shell, flags, (session) => listKubernetesTriggers(session, flags));
    });
}
