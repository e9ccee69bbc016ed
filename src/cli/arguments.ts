import { TrigateError } from '../domain/errors.ts';

/** The one argument of a command, or Kubeless' sentence for none and for too many. */
export function onlyArgument(args: readonly string[], what: string): string {
  const [argument] = args;
  if (args.length === 1 && argument !== undefined) return argument;
  throw new TrigateError('INVALID_ARGUMENT', `Need exactly one argument - ${what}`);
}

/** Cobra's sentence for flags that must be given, by which scripts know it. */
export function requireFlags(flags: Readonly<Record<string, string | undefined>>): void {
  const missing = Object.keys(flags)
    .filter((name) => flags[name] === undefined)
    .sort();
  if (missing.length === 0) return;
  const names = missing.map((name) => `"${name}"`).join(', ');
  throw new TrigateError('INVALID_ARGUMENT', `required flag(s) ${names} not set`);
}
