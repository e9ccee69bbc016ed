import type { Command } from 'commander';
import type { Shell } from '../shell.ts';

export function declareCrds(program: Command, { terminal }: Shell): void {
  program
    .command('crds')
    .description('print the CustomResourceDefinitions of all kinds, as YAML')
    .addHelpText('after', '\nExample:\n  $ trigate crds | kubectl apply --server-side -f -\n')
    .action(async () => {
      const [{ customResourceDefinition }, { declarations }, { stringify }] = await Promise.all([
        import('../crds/crd.ts'),
        import('../crds/declarations.ts'),
        import('yaml'),
      ]);
      const documents = declarations.map((declaration) => stringify(customResourceDefinition(declaration)));
      terminal.stdout.write(documents.join('---\n'));
    });
}
