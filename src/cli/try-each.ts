import { type ErrorCode, TrigateError } from '../domain/errors.ts';
import type { Messages } from './terminal.ts';

/** Whoever is refused like this would be refused the same for all others. */
const OF_ALL: readonly ErrorCode[] = ['GATEWAY_UNREACHABLE', 'UNAUTHORIZED'];

interface Words<T> {
  /** Of one that was refused. Default: the error's own. */
  refusal?(one: T, error: TrigateError): string;
  /** What they were not: `deleted`. */
  readonly verb: string;
}

/**
 * Does the same with each object; one that is refused is said, and keeps nobody from the others.
 * @returns the error that the command then ends with; undefined: all is done
 * @throws TrigateError at once when nobody answers, or does not know who asks
 */
export async function tryEach<T>(
  { warning }: Pick<Messages, 'warning'>,
  all: readonly T[],
  work: (one: T) => Promise<void>,
  { verb, refusal = (_, { message }) => message }: Words<T>,
): Promise<TrigateError | undefined> {
  const refusals: TrigateError[] = [];
  for (const one of all) {
    try {
      await work(one);
    } catch (error) {
      if (!(error instanceof TrigateError) || OF_ALL.includes(error.code)) throw error;
      const text = refusal(one, error);
      if (all.length === 1) return new TrigateError(error.code, text, { cause: error });
      refusals.push(error);
      warning(text);
    }
  }
  const [first] = refusals;
  if (first === undefined) return undefined;
  return new TrigateError(first.code, `${refusals.length} of ${all.length} objects were not ${verb}.`);
}
