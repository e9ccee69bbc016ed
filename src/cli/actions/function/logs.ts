import { z } from 'zod';
import { TrigateError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/resource.ts';
import { podType } from '../../../standalone/workloads/types.ts';
import { listAll } from '../../listing.ts';
import type { Session } from '../../shell.ts';
import { checkPlace } from './write.ts';

export interface LogFlags {
  readonly follow: boolean;
  readonly tail?: string | undefined;
}

/** Prints what a function has printed; with `follow` also what it prints, until the person stops it. */
export async function showLogs(session: Session, name: string, { follow, tail }: LogFlags): Promise<void> {
  const { namespace, resources, terminal, messages } = session;
  checkPlace(session, name);
  const tailLines = readTail(tail);
  const pod = await podOf(session, name);
  const signal = follow ? terminal.signal : undefined;
  let hasPrinted = tailLines === 0;
  try {
    const chunks = await resources.podLog(namespace, pod, { container: name, follow, tailLines, signal });
    for await (const chunk of chunks) {
      hasPrinted ||= chunk.length > 0;
      terminal.stdout.write(chunk);
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw error;
  }
  if (!hasPrinted && signal?.aborted !== true) messages.info(`Function ${name} has printed nothing yet.`);
}

/** One that is ready; else any, whose last words are what one wants to read. */
async function podOf(session: Session, name: string): Promise<string> {
  const { namespace } = session;
  const { items } = await listAll(session, podType, { namespace, labelSelector: `function=${name}` });
  const pod = items.find(isReady) ?? items[0];
  if (pod !== undefined) return pod.metadata.name;
  const text = `No function pod is running: there is no pod with the label function=${name} in namespace ${namespace}.`;
  throw new TrigateError('NOT_FOUND', text);
}

const podStatus = z.looseObject({ containerStatuses: z.array(z.looseObject({ ready: z.boolean() })).min(1) });

const isReady = ({ status }: KubernetesObject): boolean =>
  podStatus.safeParse(status).data?.containerStatuses.every(({ ready }) => ready) ?? false;

function readTail(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TrigateError('INVALID_ARGUMENT', `--tail must be a number of lines, found ${JSON.stringify(text)}.`);
}
