import type { Command } from 'commander';
import type { Shell } from '../shell.ts';

export function declareVersion(program: Command, { terminal }: Shell, version: string): void {
  program
    .command('version')
    .description('print the version')
    .addHelpText('after', '\nExample:\n  $ trigate version\n')
    .action(() => {
      terminal.stdout.write(`Trigate version: v${version}\n`);
    });
}
