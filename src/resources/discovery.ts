import { z } from 'zod';
import { unreadable } from './resource-error.ts';
import type { DiscoveredType, ServerVersion } from './resources.ts';

const resourceList = z.looseObject({
  resources: z.array(
    z.looseObject({
      name: z.string().min(1),
      singularName: z.string().default(''),
      namespaced: z.boolean(),
      kind: z.string().min(1),
      verbs: z.array(z.string()),
      shortNames: z.array(z.string()).nullish(),
    }),
  ),
});

const groupVersion = z.looseObject({ groupVersion: z.string() });
const groupList = z.looseObject({
  groups: z.array(z.looseObject({ versions: z.array(groupVersion), preferredVersion: groupVersion.nullish() })),
});

const versionDocument = z.looseObject({ major: z.string(), minor: z.string(), gitVersion: z.string() });

/** Where the discovery document of a group and version is: `v1` is the core group's. */
export const groupPath = (apiVersion: string): string =>
  `/${[apiVersion.includes('/') ? 'apis' : 'api', ...apiVersion.split('/')].map(encodeURIComponent).join('/')}`;

/** The types of an `APIResourceList`; subresources such as `pods/log` are left out. */
export function readDiscovery(document: unknown, apiVersion: string, what: string): readonly DiscoveredType[] {
  const { data } = resourceList.safeParse(document);
  if (data === undefined) throw unreadable(`${what} was answered with something that is not a list of resources.`);
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  return data.resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, singularName, namespaced, kind, verbs, shortNames }) => ({
      group: group ?? '',
      version: version ?? '',
      kind,
      plural: name,
      singular: singularName || kind.toLowerCase(),
      shortNames: shortNames ?? [],
      namespaced,
      verbs,
    }));
}

/** The preferred versions of an `APIGroupList`. */
export function readGroups(document: unknown, what: string): readonly string[] {
  const { data } = groupList.safeParse(document);
  if (data === undefined) throw unreadable(`${what} was answered with something that is not a list of groups.`);
  return data.groups.flatMap(({ preferredVersion, versions }) => (preferredVersion ?? versions[0])?.groupVersion ?? []);
}

export function readVersion(document: unknown, what: string): ServerVersion {
  const { data } = versionDocument.safeParse(document);
  if (data === undefined) throw unreadable(`${what} was answered with something that is not a version.`);
  // Some vendors write "34+".
  return { major: Number.parseInt(data.major, 10), minor: Number.parseInt(data.minor, 10), text: data.gitVersion };
}
