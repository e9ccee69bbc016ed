import { type Resources, TrigateError } from '../../src/sdk.ts';
import { describeTarget, type WatchTarget } from './target.ts';

/** Says of a refusal which rights are missing, verb by verb; any other error stays as it is. */
export async function explain(error: Error, resources: Resources, target: WatchTarget): Promise<Error> {
  if (!(error instanceof TrigateError) || error.code !== 'FORBIDDEN') return error;
  const [list, watch] = await Promise.all([mayList(resources, target), mayWatch(resources, target)]);
  const missing = [...(list ? [] : ['list']), ...(watch ? [] : ['watch'])];
  // Another right then: the API server says which.
  if (missing.length === 0) return error;
  const text = `This gateway may not ${missing.join(' and not ')} ${describeTarget(target)}; a Role has to allow it: ${error.message}`;
  return new TrigateError('FORBIDDEN', text, { cause: error });
}

const mayList = (resources: Resources, { type, scope }: WatchTarget): Promise<boolean> =>
  resources.list(type, { ...scope, limit: 1 }).then(
    () => true,
    (thrown) => !isForbidden(thrown),
  );

async function mayWatch(resources: Resources, { type, scope }: WatchTarget): Promise<boolean> {
  const asking = new AbortController();
  try {
    await resources.watch(type, { ...scope, resourceVersion: '0', timeoutSeconds: 1, signal: asking.signal });
    return true;
  } catch (thrown) {
    return !isForbidden(thrown);
  } finally {
    asking.abort();
  }
}

const isForbidden = (thrown: unknown): boolean => thrown instanceof TrigateError && thrown.code === 'FORBIDDEN';
