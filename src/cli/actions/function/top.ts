import PQueue from 'p-queue';
import { asError, TrigateError } from '../../../domain/errors.ts';
import { functionType } from '../../../domain/function.ts';
import type { KubernetesObject } from '../../../domain/resource.ts';
import { listAll, listScope } from '../../listing.ts';
import { formatObject, isForm, readOutput } from '../../output.ts';
import type { Session } from '../../shell.ts';
import { formatTable } from '../../table.ts';
import { named } from '../trigger.ts';
import { readCounts } from './metrics-text.ts';
import { callFunction, functionService } from './service.ts';

export interface TopFlags {
  readonly function?: string | undefined;
  readonly allNamespaces?: boolean | undefined;
  readonly output?: string | undefined;
}

/** A row, with Kubeless' names. A message stands where there are no counts. */
interface Row {
  readonly function: string;
  readonly namespace: string;
  readonly method?: string;
  readonly message?: string;
  readonly total_calls?: number;
  readonly total_failures?: number;
  readonly total_duration_seconds?: number;
  readonly avg_duration_seconds?: number;
}

const HEADS = [
  'NAME',
  'NAMESPACE',
  'METHOD',
  'TOTAL_CALLS',
  'TOTAL_FAILURES',
  'TOTAL_DURATION_SECONDS',
  'AVG_DURATION_SECONDS',
  'MESSAGE',
];
const WAIT_MS = 5_000;
const AT_ONCE = 16;

/** Calls and how long they took, since the process of each function began. */
export async function showTop(session: Session, flags: TopFlags): Promise<void> {
  const { stdout } = session.terminal;
  const output = readOutput(flags.output, ['yaml', 'json']);
  const functions = await named('Error listing functions: ', () => chosen(session, flags));
  const queue = new PQueue({ concurrency: AT_ONCE });
  const rows = (await queue.addAll(functions.map((object) => () => rowsOf(session, object)))).flat();
  if (isForm(output)) stdout.write(await formatObject(rows, output));
  else stdout.write(formatTable(HEADS, rows.map(cells)));
}

async function chosen(session: Session, flags: TopFlags): Promise<readonly KubernetesObject[]> {
  const { namespace, resources } = session;
  if (flags.function) return [await resources.get<KubernetesObject>(functionType, namespace, flags.function)];
  return (await listAll(session, functionType, listScope(namespace, functionType, flags))).items;
}

async function rowsOf(session: Session, { metadata }: KubernetesObject): Promise<readonly Row[]> {
  const { namespace = session.namespace, name } = metadata;
  const place = { function: name, namespace };
  const text = await metricsOf(session, namespace, name);
  if ('message' in text) return [{ ...place, message: text.message }];
  const counts = [...readCounts(text.metrics)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (counts.length === 0) counts.push(['', { calls: 0, failures: 0, duration: 0 }]);
  return counts.map(([method, { calls, failures, duration }]) => ({
    ...place,
    method,
    total_calls: calls,
    total_failures: failures,
    total_duration_seconds: duration,
    avg_duration_seconds: calls === 0 ? 0 : duration / calls,
  }));
}

async function metricsOf(
  session: Session,
  namespace: string,
  name: string,
): Promise<{ readonly metrics: string } | { readonly message: string }> {
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    const service = await functionService(session, namespace, name);
    const { status, body } = await callFunction(session, service, { method: 'GET', path: '/metrics', signal });
    if (status === 200) return { metrics: new TextDecoder().decode(body) };
  } catch (error) {
    if (signal.aborted) return { message: 'Unable to get function metrics' };
    if (!(error instanceof TrigateError)) throw asError(error);
    session.messages.debug(error.message);
  }
  return { message: 'Function does not expose metrics' };
}

const cells = (row: Row): readonly string[] =>
  [
    row.function,
    row.namespace,
    row.method,
    row.total_calls,
    row.total_failures,
    row.total_duration_seconds,
    row.avg_duration_seconds,
    row.message,
  ].map((cell) => String(cell ?? ''));
