import { functionType } from '../../domain/function.ts';
import type { ResourceType } from '../../domain/resource.ts';
import { namespaceType } from '../../standalone/api/core-types.ts';
import { listAll } from '../listing.ts';
import { type Session, type Shell, withGateway } from '../shell.ts';
import type { Lookup, TypedFlags } from './names.ts';

/** A person who pressed Tab does not wait for longer: milliseconds. */
const WITHIN = 5_000;

/** Asks whom a command with these flags would ask. Whatever fails, or takes too long, has no names. */
export function serverLookup(shell: Shell): Lookup {
  const asked = (flags: TypedFlags, ask: (session: Session) => Promise<readonly string[]>) =>
    inTime(async () => {
      let names: readonly string[] = [];
      await withGateway(shell, flags, async (session) => {
        names = await ask(session);
      });
      return names;
    });
  const named = (type: ResourceType) => async (session: Session) => {
    const scope = type.namespaced ? { namespace: session.namespace } : {};
    return (await listAll(session, type, scope)).items.map(({ metadata }) => metadata.name);
  };
  return {
    objects: (type, flags) => asked(flags, named(type)),
    namespaces: (flags) => asked(flags, named(namespaceType)),
    labels: (flags) =>
      asked(flags, async (session) => {
        const { items } = await listAll(session, functionType, { namespace: session.namespace });
        const pairs = items.flatMap(({ metadata }) => Object.entries(metadata.labels ?? {}));
        return [...new Set(pairs.map(([key, value]) => `${key}=${value}`))].sort();
      }),
    topics: (flags) => asked(flags, async ({ gateways }) => (await gateways.topics()).listTopics(flags.broker)),
    contexts: (flags) => inTime(() => contextsOf(shell, flags)),
  };
}

async function contextsOf(shell: Shell, flags: TypedFlags): Promise<readonly string[]> {
  const [{ readClusterConfig }, { contextNames }] = await Promise.all([
    import('../../config/index.ts'),
    import('../../resources/access/context-names.ts'),
  ]);
  const { kubeconfig } = flags;
  // A context is named so that a pod's own access does not stand before the kubeconfig.
  const { access } = readClusterConfig(shell.env, { kubeconfig, context: '*' });
  return access.type === 'kubeconfig' ? contextNames(access.files) : [];
}

async function inTime(ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => resolve([]), WITHIN);
  try {
    return await Promise.race([ask(), late]);
  } catch {
    // Messages have no place in the middle of a line that is being typed.
    return [];
  } finally {
    clearTimeout(timer);
  }
}
