import { categoriesOf, type ServedType } from '../../domain/resource.ts';
import { hasStatus } from './lifecycle.ts';

const READING_VERBS = ['get', 'list', 'watch'];
const VERBS = ['create', 'delete', 'deletecollection', 'patch', 'update', ...READING_VERBS].sort();

const groupsOf = (types: readonly ServedType[]): string[] =>
  [...new Set(types.map((type) => type.group))].filter(Boolean);
const versionsOf = (types: readonly ServedType[], group: string): string[] => [
  ...new Set(types.filter((type) => type.group === group).map((type) => type.version)),
];

/** The discovery documents by their path: how `kubectl` learns what there is. */
export function discoveryDocuments(types: readonly ServedType[]): ReadonlyMap<string, object> {
  const groups = groupsOf(types).map((group) => apiGroup(types, group));
  return new Map<string, object>([
    ['/api', { kind: 'APIVersions', apiVersion: 'v1', versions: ['v1'], serverAddressByClientCIDRs: [] }],
    ['/api/v1', resourceList(types, '', 'v1')],
    ['/apis', { kind: 'APIGroupList', apiVersion: 'v1', groups }],
    ...groups.map((group) => [`/apis/${group.name}`, { kind: 'APIGroup', apiVersion: 'v1', ...group }] as const),
    ...groups.flatMap(({ name, versions }) =>
      versions.map(
        ({ groupVersion, version }) => [`/apis/${groupVersion}`, resourceList(types, name, version)] as const,
      ),
    ),
  ]);
}

function apiGroup(types: readonly ServedType[], name: string) {
  const versions = versionsOf(types, name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

function resourceList(types: readonly ServedType[], group: string, version: string): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: types.filter((type) => type.group === group && type.version === version).flatMap(entries),
  };
}

function entries(type: ServedType): object[] {
  const { plural, singular, shortNames, namespaced, kind } = type;
  const categories = categoriesOf(type);
  const status = { name: `${plural}/status`, singularName: '', namespaced, kind, verbs: ['get', 'patch', 'update'] };
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: type.readOnly ? READING_VERBS : VERBS,
      ...(shortNames.length > 0 && { shortNames }),
      ...(categories.length > 0 && { categories }),
    },
    ...(hasStatus(type) && !type.readOnly ? [status] : []),
  ];
}

/** The level of the API that is spoken here; `kubectl` compares it with its own version. */
export const versionDocument = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+trigate',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: `${process.platform}/${process.arch}`,
};
