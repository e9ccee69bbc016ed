import { type FunctionObject, type FunctionTarget, functionType } from '../domain/function.ts';
import type { Resources } from '../resources/resources.ts';
import type { DirectoryOptions, FunctionDirectory } from './discovery.ts';
import { type EndpointSlice, endpointSliceType, podOrigins, serviceOf } from './endpoint-slices.ts';
import type { FoundFunction } from './found.ts';
import { kubelessFunction } from './kubeless-function.ts';
import { FUNCTION_LABEL, labelledService, type Service, serviceType } from './labelled-service.ts';
import { followIfAllowed } from './optional-follower.ts';

/**
 * The functions of a cluster: Function objects of Kubeless, and Services whose owner labelled them; of one name the
 * Function counts. Calls go to the pods that the EndpointSlices of their Service tell. Without the right to read those,
 * they go to the Service by its name: then nobody knows whether it has a pod that is ready.
 */
export function followClusterFunctions(resources: Resources, directory: DirectoryOptions): FunctionDirectory {
  /** Until something changes: statuses that are written come back by the thousand, and ask again. */
  let targets: FunctionTarget[] | undefined;
  const onChange = () => {
    targets = undefined;
    directory.onChange();
  };
  const options = { ...directory, onChange };
  const functions = followIfAllowed<FunctionObject>(
    resources,
    functionType,
    options,
    'Function objects cannot be read: only labelled Services are functions',
  );
  const services = followIfAllowed<Service>(
    resources,
    serviceType,
    { ...options, labelSelector: FUNCTION_LABEL },
    'Services cannot be read: only Function objects are functions',
  );
  const slices = followIfAllowed<EndpointSlice>(
    resources,
    endpointSliceType,
    options,
    'EndpointSlices cannot be read: functions are called by the names of their Services, one connection to one pod',
  );
  const all = [functions, services, slices];
  const synced = Promise.all(all.map((follower) => follower.synced)).then(() => {});
  // Nobody has to wait for it; whoever does gets the rejection.
  synced.catch(() => {});

  return {
    synced,
    all() {
      targets ??= allTargets(functions.objects(), services.objects(), slices.objects());
      return targets;
    },
    async close() {
      await Promise.all(all.map((follower) => follower.close()));
    },
  };
}

function allTargets(
  functions: ReadonlyMap<string, FunctionObject> | undefined,
  services: ReadonlyMap<string, Service> | undefined,
  slices: ReadonlyMap<string, EndpointSlice> | undefined,
): FunctionTarget[] {
  const found = new Map<string, FoundFunction>();
  for (const service of services?.values() ?? []) add(found, labelledService(service));
  for (const object of functions?.values() ?? []) add(found, kubelessFunction(object));
  const byService = slices && Map.groupBy(slices.values(), serviceOf);
  return [...found.values()].map((one) => targetOf(one, byService));
}

function add(found: Map<string, FoundFunction>, one: FoundFunction): void {
  found.set(`${one.namespace}/${one.name}`, one);
}

function targetOf(
  { namespace, name, labels, timeout, service }: FoundFunction,
  byService: ReadonlyMap<string | undefined, readonly EndpointSlice[]> | undefined,
): FunctionTarget {
  const target = { namespace, name, labels, timeout };
  if (service === undefined) return { ...target, url: undefined };
  const url = `http://${service.name}.${namespace}.svc:${service.port}`;
  if (byService === undefined) return { ...target, url };
  const pods = podOrigins(byService.get(`${namespace}/${service.name}`) ?? [], service.portName);
  return pods.length === 0 ? { ...target, url: undefined } : { ...target, url, pods };
}
