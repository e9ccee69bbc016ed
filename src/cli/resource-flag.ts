import { TrigateError } from '../domain/errors.ts';
import { apiVersionOf } from '../domain/resource.ts';
import { resourceName } from '../resources/path.ts';
import type { DiscoveredType, Resources } from '../resources/resources.ts';

/** `spec.resource` of a KubernetesTrigger. */
export interface NamedResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural?: string;
}

const EXPLICIT = /^((?:[a-z0-9.-]+\/)?v[a-z0-9]+)\/([A-Z][A-Za-z0-9]*)$/;

/**
 * Reads `--resource`: `pods`, `po`, `Pod`, `deployments.apps`, as kubectl does; or `apps/v1/Deployment`, for which nobody is
 * asked.
 * @throws TrigateError INVALID_ARGUMENT when the server knows none, or several
 */
export async function readResource(resources: Resources, text: string): Promise<NamedResource> {
  const [, apiVersion, kind] = EXPLICIT.exec(text) ?? [];
  if (apiVersion !== undefined && kind !== undefined) return { apiVersion, kind };
  const [name = '', ...rest] = text.split('.');
  const group = rest.length === 0 ? undefined : rest.join('.');
  const found = (await allTypes(resources, group)).filter((type) => isCalled(type, name));
  // As with kubectl, the core group wins over the others.
  const type = found.find((each) => each.group === '') ?? found[0];
  if (type === undefined) {
    const sentence = `The server has no resource "${text}"; --resource takes names such as pods and deployments.apps, or apps/v1/Deployment.`;
    throw new TrigateError('INVALID_ARGUMENT', sentence);
  }
  if (type.group !== '' && found.length > 1) {
    const names = found.map(resourceName).join(', ');
    throw new TrigateError('INVALID_ARGUMENT', `--resource ${text} may be one of ${names}: say which.`);
  }
  return { apiVersion: apiVersionOf(type), kind: type.kind, plural: type.plural };
}

async function allTypes(resources: Resources, group: string | undefined): Promise<readonly DiscoveredType[]> {
  const versions = await resources.apiVersions();
  const wanted = versions.filter((version) => group === undefined || version.startsWith(`${group}/`));
  const types = await Promise.all(
    wanted.map((version) =>
      resources.discover(version).catch((thrown) => {
        // An aggregated API whose server is away does not hide the others.
        if (thrown instanceof TrigateError) return [];
        throw thrown;
      }),
    ),
  );
  return types.flat();
}

function isCalled({ plural, singular, kind, shortNames }: DiscoveredType, name: string): boolean {
  const lower = name.toLowerCase();
  return plural === lower || singular === lower || kind.toLowerCase() === lower || shortNames.includes(lower);
}
