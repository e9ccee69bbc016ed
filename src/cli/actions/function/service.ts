import { z } from 'zod';
import { TrigateError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/resource.ts';
import type { ServiceAddress, ServiceAnswer, ServiceCall } from '../../../resources/proxy.ts';
import { ResourceError } from '../../../resources/resource-error.ts';
import { serviceType } from '../../../standalone/workloads/types.ts';
import type { Session } from '../../shell.ts';
import { named } from '../trigger.ts';

const withPort = z.looseObject({
  ports: z.tuple([z.looseObject({ port: z.int(), name: z.string().optional() })], z.unknown()),
});

/** The Service of a function, by the name of its first port. @throws TrigateError NOT_FOUND */
export async function functionService(
  { resources }: Session,
  namespace: string,
  name: string,
): Promise<ServiceAddress> {
  const service = await named(`Unable to find the service for ${name}: `, () =>
    resources.get<KubernetesObject>(serviceType, namespace, name),
  );
  const { data } = withPort.safeParse(service.spec);
  if (data === undefined) throw new TrigateError('NOT_FOUND', `The service for ${name} has no port.`);
  const [{ port, name: portName }] = data.ports;
  return { namespace, name, port: portName || String(port) };
}

/** Calls a function through the API server. @throws TrigateError NOT_FOUND when nothing answers there */
export async function callFunction(
  { resources }: Session,
  service: ServiceAddress,
  call: ServiceCall,
): Promise<ServiceAnswer> {
  try {
    return await resources.callService(service, call);
  } catch (error) {
    if (!(error instanceof ResourceError && error.reason === 'ServiceUnavailable')) throw error;
    // Not the gateway or the API server is away: the function is.
    const { name, namespace } = service;
    const look = `"trigate function describe ${name}${namespace === 'default' ? '' : ` -n ${namespace}`}" says more`;
    throw new TrigateError('NOT_FOUND', `Function ${name} does not answer (${error.message}): ${look}.`, {
      cause: error,
    });
  }
}
