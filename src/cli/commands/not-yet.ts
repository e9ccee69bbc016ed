import type { Command } from 'commander';
import { TrigateError } from '../../domain/errors.ts';
import { example } from '../options.ts';

/** A command that Kubeless has: who calls it is told what there is instead, whatever the arguments. */
export function declareNotYet(parent: Command, name: string, instead: string): void {
  const words = parent.parent === null ? name : `${parent.name()} ${name}`;
  parent
    .command(name)
    .description(`not in this release: ${instead}`)
    .argument('[arguments...]')
    .allowUnknownOption()
    .addHelpText('after', example(words))
    .action(() => {
      throw new TrigateError('NOT_IMPLEMENTED', `"${words}" is not in this release: ${instead}.`);
    });
}
