import type { FunctionTarget } from '../domain/function.ts';
import type { KubernetesObject } from '../domain/resource.ts';
import type { Resources } from '../resources/resources.ts';
import type { DirectoryOptions, FunctionDirectory } from './discovery.ts';
import { type EndpointSlice, endpointSliceType, type Pods, podsOf, serviceOf } from './endpoint-slices.ts';
import type { FoundFunction, FunctionAdapter } from './found.ts';
import { knativeServices } from './knative-service.ts';
import { kubelessFunctions } from './kubeless-function.ts';
import { labelledServices } from './labelled-service.ts';
import { followIfAllowed } from './optional-follower.ts';
import { NEVER_CALLED, type Refusals } from './refusals.ts';

/**
 * The functions of a cluster: Function objects of Kubeless, and Services, of Kubernetes or of Knative, whose owner labelled
 * them; of one name the Function counts, then the Service of Knative. Calls go to the pods that the EndpointSlices of
 * their Service tell. Without the right to read those, they go to the Service by its name: then nobody knows whether it
 * has a pod that is ready.
 *
 * @param allowsEndpoint whether a Function may name that URL in `spec.endpoint`
 * @param refusals what connections to functions have met; theirs to tell from now on
 */
export function followClusterFunctions(
  allowsEndpoint: (url: string) => boolean,
  refusals: Refusals,
): (resources: Resources, options: DirectoryOptions) => FunctionDirectory {
  return (resources, directory) => {
    /** Until something changes: statuses that are written come back by the thousand, and ask again. */
    let targets: FunctionTarget[] | undefined;
    const onChange = () => {
      targets = undefined;
      directory.onChange();
    };
    refusals.onChange = onChange;
    const options = { ...directory, onChange };
    // Of one name the last counts.
    const functions = [
      followFound(resources, labelledServices, options),
      followFound(resources, knativeServices, options),
      followFound(resources, kubelessFunctions(allowsEndpoint), options),
    ];
    const slices = followIfAllowed<EndpointSlice>(
      resources,
      endpointSliceType,
      options,
      'EndpointSlices cannot be read: functions are called by the names of their Services, one connection to one pod',
    );
    const all = [...functions, slices];
    const synced = Promise.all(all.map((follower) => follower.synced)).then(() => {});
    // Nobody has to wait for it; whoever does gets the rejection.
    synced.catch(() => {});

    return {
      synced,
      all() {
        targets ??= allTargets(
          functions.flatMap((follower) => follower.found()),
          slices.objects(),
          refusals,
        );
        refusals.retain(new Set(targets.flatMap(originsOf)));
        return targets;
      },
      async close() {
        await Promise.all(all.map((follower) => follower.close()));
      },
    };
  };
}

interface FoundFollower {
  readonly synced: Promise<void>;
  found(): FoundFunction[];
  close(): Promise<void>;
}

function followFound<T extends KubernetesObject>(
  resources: Resources,
  { type, labelSelector, without, find }: FunctionAdapter<T>,
  options: DirectoryOptions,
): FoundFollower {
  const follower = followIfAllowed<T>(resources, type, { ...options, labelSelector }, without);
  return {
    synced: follower.synced,
    found: () => [...(follower.objects()?.values() ?? [])].map(find),
    close: () => follower.close(),
  };
}

function allTargets(
  found: readonly FoundFunction[],
  slices: ReadonlyMap<string, EndpointSlice> | undefined,
  refusals: Refusals,
): FunctionTarget[] {
  const byName = new Map(found.map((one) => [`${one.namespace}/${one.name}`, one]));
  const byService = slices && Map.groupBy(slices.values(), serviceOf);
  return [...byName.values()].map((one) => refusedIn(refusals, targetOf(one, byService)));
}

/** Where its calls go. */
const originsOf = ({ url, pods }: FunctionTarget): readonly string[] =>
  pods ?? (url === undefined ? [] : [new URL(url).origin]);

/** As it is met where it lives: of several pods all must be refused. */
function refusedIn(refusals: Refusals, target: FunctionTarget): FunctionTarget {
  const met = originsOf(target).map((origin) => refusals.of(origin));
  const [refusal] = met;
  return refusal === undefined || met.includes(undefined) ? target : { ...target, refusal };
}

function targetOf(
  { namespace, name, labels, timeout, location }: FoundFunction,
  byService: ReadonlyMap<string | undefined, readonly EndpointSlice[]> | undefined,
): FunctionTarget {
  const target = { namespace, name, labels, timeout };
  if (location === undefined) return { ...target, url: undefined };
  switch (location.type) {
    case 'url':
      return { ...target, url: location.url };
    case 'service': {
      const url = `http://${location.name}.${namespace}.svc:${location.port}`;
      if (byService === undefined) return { ...target, url };
      const pods = podsOf(byService.get(`${namespace}/${location.name}`) ?? [], location.portName);
      return pods.origins.length === 0
        ? { ...target, url: undefined, ...refusalOf(pods) }
        : { ...target, url, pods: pods.origins };
    }
    case 'refused':
      return { ...target, url: undefined, refusal: location.why };
    default:
      return location satisfies never;
  }
}

function refusalOf({ forbidden: [address] }: Pods): Pick<FunctionTarget, 'refusal'> {
  return address === undefined ? {} : { refusal: `an EndpointSlice of its Service names ${address}, ${NEVER_CALLED}` };
}
