import type { Command } from 'commander';
import { example } from '../options.ts';
import { type Shell, withGateway } from '../shell.ts';

export function declareServerConfig(program: Command, shell: Shell): void {
  program
    .command('get-server-config')
    .description('the runtimes that functions may have')
    .addHelpText('after', example('get-server-config'))
    .action(async (_, command: Command) => {
      const { showServerConfig } = await import('../actions/function/runtimes.ts');
      await withGateway(shell, command.optsWithGlobals(), showServerConfig);
    });
}
