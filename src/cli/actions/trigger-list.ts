import { z } from 'zod';
import type { KubernetesObject } from '../../domain/resource.ts';
import { labelSelector } from '../../domain/trigger.ts';
import { formatSelector } from '../../resources/selector.ts';
import { type ListColumn, type ListFlags, listObjects, nameColumn, namespaceColumn } from '../listing.ts';
import type { Session } from '../shell.ts';
import type { TriggerSort } from '../trigger-sorts.ts';

export type { ListFlags } from '../listing.ts';

/** What is listed, and what its rows say beside name and namespace. Default: topic and selector. */
export interface ListedSort extends Pick<TriggerSort, 'title' | 'load'> {
  readonly heads?: readonly string[];
  readonly cells?: (trigger: KubernetesObject) => readonly string[];
}

/** Kubeless' columns; wide: also what has come of the trigger. */
export async function listTriggers(session: Session, sort: ListedSort, flags: ListFlags): Promise<void> {
  const { type } = await sort.load();
  const { title, heads = ['TOPIC', 'FUNCTION SELECTOR'], cells = topicCells } = sort;
  const own = heads.map((head, i): ListColumn => ({ head, cell: (trigger) => cells(trigger)[i] ?? '' }));
  const columns = [nameColumn, namespaceColumn, ...own, ...stateColumns];
  await listObjects(session, { title: `${title} triggers`, type, columns }, flags);
}

const spec = z
  .looseObject({ topic: z.string().catch(''), functionSelector: z.unknown().optional() })
  .catch({ topic: '', functionSelector: {} });

function topicCells(trigger: KubernetesObject): string[] {
  const { topic, functionSelector } = spec.parse(trigger.spec);
  const selector = labelSelector.safeParse(functionSelector ?? {});
  return [topic, selector.success ? formatSelector(selector.data) : '<invalid>'];
}

const status = z
  .looseObject({
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).catch([]),
    functions: z.array(z.string()).catch([]),
    progress: z.looseObject({ lag: z.number().optional() }).catch({}),
  })
  .catch({ conditions: [], functions: [], progress: {} });

const stateColumns: readonly ListColumn[] = [
  {
    head: 'READY',
    wide: true,
    cell: (trigger) =>
      status.parse(trigger.status).conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown',
  },
  {
    head: 'FUNCTIONS',
    wide: true,
    cell: (trigger) => status.parse(trigger.status).functions.join(',') || '<none>',
  },
  {
    head: 'LAG',
    wide: true,
    cell: (trigger) => String(status.parse(trigger.status).progress.lag ?? '<unknown>'),
  },
];
