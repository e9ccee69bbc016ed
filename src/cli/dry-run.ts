import type { KubernetesObject } from '../domain/resource.ts';
import type { WriteOptions } from '../resources/resources.ts';
import type { DryRun } from './options.ts';
import { checkFormat, formatObject } from './output.ts';
import type { Session } from './shell.ts';

/** An object on its way to be written. */
export interface Write {
  readonly object: KubernetesObject;
  readonly dryRun: DryRun;
  /** The form it is printed in. */
  readonly output: string;
  /** Writes it; answers what is stored. */
  store(options: WriteOptions): Promise<unknown>;
}

/**
 * With a dry run, prints the object: as it would be sent, or as the server would store it.
 * @returns whether it was one
 */
export async function printedInstead({ terminal }: Pick<Session, 'terminal'>, write: Write): Promise<boolean> {
  const { dryRun, output, object } = write;
  if (dryRun === 'none') return false;
  const form = checkFormat(output);
  const printed = dryRun === 'client' ? object : await write.store({ dryRun: true });
  terminal.stdout.write(await formatObject(printed, form));
  return true;
}

/** As kubectl ends the lines of a dry run. */
export function dryRunSuffix(dryRun: DryRun): string {
  switch (dryRun) {
    case 'none':
      return '';
    case 'client':
      return ' (dry run)';
    case 'server':
      return ' (server dry run)';
    default:
      return dryRun satisfies never;
  }
}
