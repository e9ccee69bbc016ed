import type { Command, Option } from 'commander';

const INTRODUCTION = `# Command line

<!-- Made from the commands by "npm run docs"; a test compares. -->

\`trigate\` and \`kubeless\` are one program. Installed as \`kubectl-trigate\` it is also \`kubectl trigate\`.

- **Data go to stdout**, everything else to stderr: messages in the form of Kubeless' own (\`INFO[0000] …\` on a terminal,
  \`time=… level=info msg=…\` elsewhere). Colours only on a terminal, and not with \`NO_COLOR\`.
- **Exit codes**: 0 good; 1 failed, refused, or, for \`lint\`, something found. An error is one sentence; \`-v 9\` adds where it
  comes from.
- **Who is spoken to**: \`--gateway\`, else \`--kubeconfig\` or \`--context\`, else \`TRIGATE_GATEWAY\`, else a kubeconfig with a current
  context (\`KUBECONFIG\`, \`~/.kube/config\`, or that of the pod), else the gateway of this machine, http://127.0.0.1:8080. \`-v\` says which it is.
- **In a cluster** topics are those of the chart's gateway (\`gateway.enabled\`), events and counts those of all pods of its controllers
  together. All are reached through the API server with the login of the kubeconfig: that takes \`list\` on \`services\` and \`pods\`,
  \`get\`, \`create\`, \`update\` and \`delete\` on \`services/proxy\`, \`get\` on \`pods/proxy\`, and \`get\` on the Secret with the token, or
  \`--token-file\`. \`TRIGATE_TOKEN\` is never sent to a cluster. The release is the one in the namespace of the command; \`--release\`
  names another.
- **Dry runs**: \`--dryrun\` and \`--dry-run=client\` print what would be written; \`--dry-run=server\` has the server check it as well.
- **Output**: \`-o yaml\`, \`json\`, \`name\` (\`kafkatrigger.kubeless.io/orders\`), \`wide\`, or \`jsonpath=TEMPLATE\` with templates as kubectl has them.
  Several objects are a \`List\`, of which a template reads \`.items\`. Only \`function list\` prints \`json\` and \`yaml\` as a bare array, as
  Kubeless does; a template reads \`.items\` there, too.
`;

/** The reference of all commands, as Markdown. */
export function commandReference(program: Command): string {
  const commands = leaves(program);
  const contents = commands.map((command) => `- [\`${wordsOf(command)}\`](#${anchor(wordsOf(command))})`);
  const sections = commands.map(section);
  const globals = `## Options of every command\n\n${optionTable(visibleOptions(program))}`;
  return [INTRODUCTION, contents.join('\n'), globals, ...sections]
    .map((part) => part.trim())
    .join('\n\n')
    .concat('\n');
}

/** The commands that do something, in the order of their declaration. */
function leaves(command: Command): Command[] {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return below.length === 0 ? [command] : below.flatMap(leaves);
}

function section(command: Command): string {
  const words = wordsOf(command);
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  const parts = [
    `## ${words}`,
    `${sentence(command.description())}${aliases.length === 0 ? '' : ` Also called ${aliases.join(', ')}.`}`,
    `\`\`\`\n${words} ${command.usage()}\n\`\`\``,
    argumentList(command),
    optionTable(visibleOptions(command)),
    exampleOf(command),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const wordsOf = (command: Command): string =>
  command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;

const anchor = (words: string): string => words.replaceAll(' ', '-');

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const argumentList = (command: Command): string =>
  command.registeredArguments
    .filter(({ description }) => description !== '')
    .map((argument) => `- \`${argument.name()}\`: ${argument.description}`)
    .join('\n');

const visibleOptions = (command: Command): readonly Option[] => command.options.filter(({ hidden }) => !hidden);

function optionTable(options: readonly Option[]): string {
  if (options.length === 0) return '';
  const rows = options.map(
    (option) => `| \`${option.flags.replaceAll('|', '\\|')}\` | ${escaped(described(option))} |`,
  );
  return ['| option | meaning |', '| --- | --- |', ...rows].join('\n');
}

function described({ description, defaultValue }: Option): string {
  const isSaid = description.includes('(default:') || typeof defaultValue === 'boolean' || Array.isArray(defaultValue);
  return defaultValue === undefined || isSaid ? description : `${description} (default: ${defaultValue})`;
}

/** A table's own sign. */
const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** What stands below the options in the help. */
function exampleOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  const [, example = ''] = help.split('\nExample:\n');
  const lines = example.split('\n').filter((line) => line.startsWith('  '));
  const shown = lines.map((line) => line.replace(/^ {2}\$ /, '').trimEnd());
  return shown.length === 0 ? '' : `\`\`\`sh\n${shown.join('\n')}\n\`\`\``;
}
