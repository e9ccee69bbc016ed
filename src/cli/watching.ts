import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { Resources, WatchOptions } from '../resources/resources.ts';

/**
 * Calls back for each object that is added, changed or deleted, until the signal aborts. A server ends its watches now
 * and then: the next one goes on where the last one stopped.
 * @throws TrigateError EXPIRED when the server no longer knows what came after that place
 */
export async function watchObjects(
  resources: Resources,
  type: ResourceType,
  options: WatchOptions & { readonly resourceVersion: string },
  onObject: (object: KubernetesObject) => Promise<void>,
): Promise<void> {
  const { signal } = options;
  let { resourceVersion } = options;
  while (!signal.aborted) {
    try {
      for await (const event of await resources.watch(type, { ...options, resourceVersion })) {
        if (event.type === 'BOOKMARK') resourceVersion = event.resourceVersion;
        else {
          resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
          await onObject(event.object);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TrigateError && error.code === 'EXPIRED')) throw error;
      const text = 'The server no longer knows what has changed since: list and watch again.';
      throw new TrigateError('EXPIRED', text, { cause: error });
    }
  }
}
