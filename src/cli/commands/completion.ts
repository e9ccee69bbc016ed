import type { Command } from 'commander';
import { onlyArgument } from '../arguments.ts';
import { example } from '../options.ts';
import type { Shell } from '../shell.ts';

export function declareCompletion(program: Command, { terminal }: Shell): void {
  program
    .command('completion')
    .description('print a script that makes bash, zsh or fish complete commands, options and names')
    .argument('[shell...]')
    .usage('<bash|zsh|fish>')
    .addHelpText('after', example('completion bash > /etc/bash_completion.d/trigate'))
    .action(async (args: string[]) => {
      const shell = onlyArgument(args, 'shell: bash, zsh or fish');
      const { completionScript } = await import('../completion/scripts.ts');
      terminal.stdout.write(completionScript(shell));
    });
}
