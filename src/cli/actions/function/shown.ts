import { z } from 'zod';
import type { KubernetesObject } from '../../../domain/resource.ts';
import { parseJson } from '../../../resources/json.ts';

const variable = z.looseObject({ name: z.string(), value: z.string().optional() });
const container = z.looseObject({
  env: z.array(variable).nullish(),
  resources: z
    .looseObject({ requests: z.looseObject({ memory: z.union([z.string(), z.number()]).optional() }).nullish() })
    .nullish(),
});
const pod = z.looseObject({ containers: z.array(container).nullish() });
const deployment = z.looseObject({
  spec: z.looseObject({ template: z.looseObject({ spec: pod.nullish() }).nullish() }).nullish(),
});
const text = z.string().catch('');
const spec = z
  .looseObject({
    handler: text,
    runtime: text,
    deps: text,
    endpoint: z.string().optional().catch(undefined),
    deployment: deployment.optional().catch(undefined),
  })
  .catch({ handler: '', runtime: '', deps: '', endpoint: undefined, deployment: undefined });

/** The parts of a Function that tables show. Whatever a stored object has in their place, it is shown as nothing. */
export interface ShownFunction {
  readonly handler: string;
  readonly runtime: string;
  readonly deps: string;
  readonly endpoint: string | undefined;
  readonly environment: readonly { readonly name: string; readonly value?: string | undefined }[] | undefined;
  readonly memory: string | undefined;
}

export function shownFunction(object: KubernetesObject): ShownFunction {
  const { handler, runtime, deps, endpoint, deployment } = spec.parse(object.spec ?? {});
  const first = deployment?.spec?.template?.spec?.containers?.[0];
  const memory = first?.resources?.requests?.memory;
  return {
    handler,
    runtime,
    deps,
    endpoint,
    environment: first?.env ?? undefined,
    memory: memory === undefined ? undefined : String(memory),
  };
}

/** One line: the packages of a package.json, or the lines of a list of requirements. */
export function shownDependencies({ runtime, deps }: Pick<ShownFunction, 'runtime' | 'deps'>): string {
  if (!runtime.includes('nodejs')) return deps.split('\n').filter(Boolean).join(', ');
  const packages = z.looseObject({ dependencies: z.record(z.string(), z.string()) }).safeParse(parseJson(deps));
  if (!packages.success) return '';
  return Object.entries(packages.data.dependencies)
    .map(([name, version]) => `${name}: ${version}`)
    .join(', ');
}
