import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS, type FunctionObject, functionType } from '../domain/function.ts';
import type { FunctionAdapter, Location } from './found.ts';

/** What Kubeless gives the Service of a function that does not say. */
const DEFAULT_PORT = 8080;

const serviceSpec = z.looseObject({
  ports: z.array(z.looseObject({ port: z.int().min(1).max(65_535), name: z.string().optional() })).min(1),
});

/**
 * Function objects: Kubeless makes a Service of its name for each. One with an `endpoint` is called there if the operator
 * listed the host: the author of a function may not make a controller call what only the controller can reach.
 */
export function kubelessFunctions(allowsEndpoint: (url: string) => boolean): FunctionAdapter<FunctionObject> {
  return {
    type: functionType,
    without: 'Function objects cannot be read: only labelled Services are functions',
    find({ metadata, spec }) {
      const { namespace = 'default', name, labels = {}, deletionTimestamp } = metadata;
      const timeout = parseDuration(String(spec?.timeout ?? '')) ?? DEFAULT_FUNCTION_TIMEOUT_MS;
      const found = { namespace, name, labels, timeout };
      if (deletionTimestamp !== undefined) return { ...found, location: undefined };
      if (spec?.endpoint === undefined) return { ...found, location: serviceOf(name, spec?.service) };
      return { ...found, location: endpointOf(spec.endpoint, allowsEndpoint) };
    },
  };
}

function endpointOf(url: string, isAllowed: (url: string) => boolean): Location {
  if (isAllowed(url)) return { type: 'url', url };
  const origin = URL.parse(url)?.origin ?? 'which is no URL,';
  return {
    type: 'refused',
    why: `its spec.endpoint ${origin} is on no host that the operator lists (TRIGATE_FUNCTION_ENDPOINTS, in the chart functions.endpoints)`,
  };
}

function serviceOf(name: string, spec: unknown): Location {
  const [first] = serviceSpec.safeParse(spec).data?.ports ?? [];
  return { type: 'service', name, port: first?.port ?? DEFAULT_PORT, portName: first?.name };
}
