import { z } from 'zod';
import type { FunctionSpec } from '../../domain/function.ts';

/** What the pod template of a Function says of its container, as far as a process can have it. */
export interface Container {
  readonly environment: Readonly<Record<string, string>>;
  /** As the object says it, `128Mi`; `0` for none. Told to the function, and not enforced. */
  readonly memoryLimit: string;
}

export type ReadContainer = Container | { readonly problem: string };

const variable = z.looseObject({
  name: z.string().min(1),
  value: z.string().nullish(),
  valueFrom: z.unknown().optional(),
});
const container = z.looseObject({
  env: z.array(variable).nullish(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).nullish(),
  resources: z
    .looseObject({ limits: z.looseObject({ memory: z.union([z.string(), z.number()]).nullish() }).nullish() })
    .nullish(),
});
const podSpec = z.looseObject({ containers: z.array(container).nullish() });
const deployment = z.looseObject({
  spec: z.looseObject({ template: z.looseObject({ spec: podSpec.nullish() }).nullish() }).nullish(),
});

/** Never throws. What cannot be had here is a problem: code that is run without it fails later, and says less. */
export function readContainer(spec: FunctionSpec): ReadContainer {
  const parsed = deployment.nullish().safeParse(spec.deployment);
  if (!parsed.success) return { problem: `spec.deployment is not a Deployment: ${firstIssue(parsed.error)}.` };
  const first = parsed.data?.spec?.template?.spec?.containers?.[0];
  const mount = first?.volumeMounts?.[0];
  if (mount !== undefined) {
    return {
      problem: `spec.deployment mounts the volume ${mount.name} at ${mount.mountPath}; the local runner has none.`,
    };
  }
  const foreign = first?.env?.find(({ valueFrom }) => valueFrom !== undefined && valueFrom !== null);
  if (foreign !== undefined) {
    return {
      problem: `The variable ${foreign.name} has valueFrom; the local runner knows only variables with a value.`,
    };
  }
  return {
    environment: Object.fromEntries((first?.env ?? []).map(({ name, value }) => [name, value ?? ''])),
    memoryLimit: String(first?.resources?.limits?.memory ?? '0'),
  };
}

const firstIssue = ({ issues: [issue] }: z.ZodError): string =>
  issue === undefined ? 'it cannot be read' : `${issue.path.join('.')} ${issue.message}`;
