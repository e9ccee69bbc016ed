import { asError, TrigateError } from '../../domain/errors.ts';
import { checkNamespace, checkObjectName } from '../names.ts';
import type { Session } from '../shell.ts';
import type { TriggerSort } from '../trigger-sorts.ts';

export async function deleteTrigger(session: Session, sort: Pick<TriggerSort, 'title' | 'load'>, name: string) {
  const namespace = checkedNamespace(session, sort, name);
  const { type } = await sort.load();
  await named(`Failed to delete ${sort.title} trigger object ${name} in namespace ${namespace}. Error: `, () =>
    session.resources.delete(type, namespace, name),
  );
  session.messages.info(`${sort.title} trigger ${name} deleted from namespace ${namespace} successfully!`);
}

/** The namespace of the session, when it and the name can be. */
export function checkedNamespace({ namespace }: Session, sort: Pick<TriggerSort, 'title'>, name: string): string {
  checkNamespace(namespace);
  checkObjectName(`${sort.title} trigger name`, name);
  return namespace;
}

/** Puts Kubeless' words before the reason of a failure. */
export async function named<T>(words: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asError(thrown);
    const code = error instanceof TrigateError ? error.code : 'INTERNAL';
    throw new TrigateError(code, `${words}${error.message}`, { cause: error });
  }
}
