import { z } from 'zod';
import { TrigateError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/resource.ts';
import { parseJson } from '../../../resources/json.ts';
import { configMapType } from '../../../standalone/api/core-types.ts';
import { languageOf, languages } from '../../../standalone/functions/plan.ts';
import type { Session } from '../../shell.ts';

const images = z.array(
  z.looseObject({ ID: z.string(), versions: z.array(z.looseObject({ version: z.string() })).default([]) }),
);

/**
 * The runtimes that Kubeless' ConfigMap names (`python3.7`). Undefined when there is none, or it may not be read: then
 * nobody knows which runtimes there are.
 * @throws TrigateError INVALID_CONFIG when it cannot be understood
 */
export async function supportedRuntimes({ resources, kubeless }: Session): Promise<readonly string[] | undefined> {
  const { namespace, config } = kubeless;
  const map = await resources.get<KubernetesObject>(configMapType, namespace, config).catch((error) => {
    if (error instanceof TrigateError && ['NOT_FOUND', 'FORBIDDEN'].includes(error.code)) return undefined;
    throw error;
  });
  const text = z.looseObject({ 'runtime-images': z.string() }).safeParse(map?.data).data?.['runtime-images'];
  if (text === undefined) return undefined;
  const parsed = images.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.flatMap(({ ID, versions }) => versions.map(({ version }) => ID + version));
  const sentence = `runtime-images of the ConfigMap ${config} in namespace ${namespace} is not a list of runtimes.`;
  throw new TrigateError('INVALID_CONFIG', sentence);
}

/**
 * @throws TrigateError INVALID_ARGUMENT with Kubeless' sentence when nobody runs that runtime: neither Kubeless, nor the
 * runner of a standalone gateway
 */
export async function checkRuntime(session: Session, runtime: string): Promise<void> {
  const named = await supportedRuntimes(session);
  const isSupported =
    named === undefined ? session.target === 'cluster' || languageOf(runtime) !== undefined : named.includes(runtime);
  if (isSupported) return;
  const supported = (named ?? languages).join(', ');
  throw new TrigateError('INVALID_ARGUMENT', `Invalid runtime: ${runtime}. Supported runtimes are: ${supported}`);
}

export async function showServerConfig(session: Session): Promise<void> {
  const runtimes = (await supportedRuntimes(session)) ?? (session.target === 'gateway' ? languages : undefined);
  if (runtimes === undefined) {
    const { namespace, config } = session.kubeless;
    const text = `Unable to read the configmap: there is no ConfigMap ${config} in namespace ${namespace}, or you may not read it.`;
    throw new TrigateError('NOT_FOUND', text);
  }
  session.messages.info('Current Server Config:');
  session.messages.info(`Supported Runtimes are: ${runtimes.join(', ')}`);
}
