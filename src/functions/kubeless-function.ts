import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS, type FunctionObject } from '../domain/function.ts';
import type { FoundFunction, FunctionService } from './found.ts';

/** What Kubeless gives the Service of a function that does not say. */
const DEFAULT_PORT = 8080;

const serviceSpec = z.looseObject({
  ports: z.array(z.looseObject({ port: z.int().min(1).max(65_535), name: z.string().optional() })).min(1),
});

/**
 * A Function object: Kubeless makes a Service of its name for it. One with an `endpoint` is not called: in a cluster the
 * author of a function may not make a controller call what only the controller can reach.
 */
export function kubelessFunction({ metadata, spec }: FunctionObject): FoundFunction {
  const { namespace = 'default', name, labels = {}, deletionTimestamp } = metadata;
  const isCallable = deletionTimestamp === undefined && spec?.endpoint === undefined;
  return {
    namespace,
    name,
    labels,
    timeout: parseDuration(String(spec?.timeout ?? '')) ?? DEFAULT_FUNCTION_TIMEOUT_MS,
    service: isCallable ? serviceOf(name, spec?.service) : undefined,
  };
}

function serviceOf(name: string, spec: unknown): FunctionService {
  const [first] = serviceSpec.safeParse(spec).data?.ports ?? [];
  return { name, port: first?.port ?? DEFAULT_PORT, portName: first?.name };
}
