import { z } from 'zod';
import { TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import { labelSelector } from '../../domain/trigger.ts';
import { formatSelector } from '../../resources/selector.ts';
import { checkNamespace } from '../names.ts';
import { formatObject } from '../output.ts';
import type { Session } from '../shell.ts';
import { formatTable } from '../table.ts';
import type { TriggerSort } from '../trigger-sorts.ts';

export interface ListFlags {
  readonly allNamespaces: boolean;
  readonly output: string | undefined;
}

/** What is listed, and what its rows say beside name and namespace. Default: topic and selector. */
export interface ListedSort extends Pick<TriggerSort, 'title' | 'load'> {
  readonly heads?: readonly string[];
  readonly cells?: (trigger: KubernetesObject) => readonly string[];
}

const WIDE_HEADS = ['READY', 'FUNCTIONS'];

export async function listTriggers(session: Session, sort: ListedSort, flags: ListFlags): Promise<void> {
  const { namespace, resources, terminal, messages } = session;
  if (!flags.allNamespaces) checkNamespace(namespace);
  const format = checkListFormat(flags.output);
  const scope = flags.allNamespaces ? {} : { namespace };
  const { items } = await resources.list((await sort.load()).type, scope);
  const triggers = items.toSorted((a, b) => compare(sortKey(a), sortKey(b)));
  const { heads = ['TOPIC', 'FUNCTION SELECTOR'], cells = topicCells } = sort;
  const allHeads = ['NAME', 'NAMESPACE', ...heads];
  const row = (trigger: KubernetesObject) => [...nameCells(trigger), ...cells(trigger)];
  switch (format) {
    case 'json':
    case 'yaml':
      terminal.stdout.write(await formatObject({ apiVersion: 'v1', kind: 'List', items: triggers }, format));
      return;
    case 'table':
      terminal.stdout.write(formatTable(allHeads, triggers.map(row)));
      break;
    case 'wide':
      terminal.stdout.write(
        formatTable(
          [...allHeads, ...WIDE_HEADS],
          triggers.map((each) => [...row(each), ...state(each)]),
        ),
      );
      break;
    default:
      format satisfies never;
  }
  if (triggers.length > 0) return;
  messages.info(
    `No ${sort.title} triggers found in ${flags.allNamespaces ? 'any namespace' : `namespace ${namespace}`}.`,
  );
}

function checkListFormat(output: string | undefined): 'table' | 'wide' | 'json' | 'yaml' {
  if (output === undefined) return 'table';
  if (output === 'wide' || output === 'json' || output === 'yaml') return output;
  throw new TrigateError('INVALID_ARGUMENT', `Output format needs to be wide, yaml or json, found "${output}".`);
}

const spec = z
  .looseObject({ topic: z.string().catch(''), functionSelector: z.unknown().optional() })
  .catch({ topic: '', functionSelector: {} });

const nameCells = ({ metadata: { name, namespace = '' } }: KubernetesObject): string[] => [name, namespace];

function topicCells(trigger: KubernetesObject): string[] {
  const { topic, functionSelector } = spec.parse(trigger.spec);
  const selector = labelSelector.safeParse(functionSelector ?? {});
  return [topic, selector.success ? formatSelector(selector.data) : '<invalid>'];
}

const status = z
  .looseObject({
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).catch([]),
    functions: z.array(z.string()).catch([]),
  })
  .catch({ conditions: [], functions: [] });

function state(trigger: KubernetesObject): string[] {
  const { conditions, functions } = status.parse(trigger.status);
  const ready = conditions.find((condition) => condition.type === 'Ready')?.status;
  return [ready ?? 'Unknown', functions.join(',') || '<none>'];
}

const sortKey = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
