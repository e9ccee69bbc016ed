import { asError, TrigateError } from '../domain/errors.ts';
import { type FunctionObject, type FunctionTarget, functionType } from '../domain/function.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { LabelSelector } from '../domain/trigger.ts';
import { targetOf } from '../functions/discovery.ts';
import { FUNCTION_LABEL, serviceType } from '../functions/labelled-service.ts';
import { matches, selectorQuery } from '../resources/selector.ts';
import { listAll } from './listing.ts';
import { nearestLabels } from './nearest-labels.ts';
import type { Session } from './shell.ts';

/** A function that a selector may select. */
export interface Candidate extends Pick<FunctionTarget, 'name' | 'labels'> {
  /** Why it cannot be called now, as its own status says. */
  readonly notReady?: string | undefined;
}

/** What triggers of a namespace can select: Function objects, and in a cluster labelled Services beside them. */
export async function functionsOf(session: Session, namespace: string): Promise<readonly Candidate[]> {
  const objects = await listAll(session, functionType, { namespace });
  const services = session.target === 'cluster' ? await labelledServices(session, namespace) : [];
  const byName = new Map<string, Candidate>();
  for (const { metadata } of services)
    byName.set(metadata.name, { name: metadata.name, labels: metadata.labels ?? {} });
  for (const object of objects.items as readonly FunctionObject[])
    byName.set(object.metadata.name, { ...targetOf(object), notReady: whyNotReady(object) });
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function whyNotReady({ status }: FunctionObject): string | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'False' ? ready.reason : undefined;
}

async function labelledServices(session: Session, namespace: string): Promise<readonly KubernetesObject[]> {
  const type: ResourceType = serviceType;
  try {
    return (await listAll(session, type, { namespace, labelSelector: FUNCTION_LABEL })).items;
  } catch (error) {
    // Who may not read them here is told of functions alone.
    if (error instanceof TrigateError && error.code === 'FORBIDDEN') return [];
    throw error;
  }
}

const NAMES_SHOWN = 5;

/** A selector that selects nothing is the most common mistake, and nothing else would tell. */
export async function sayMatches(session: Session, namespace: string, selector: LabelSelector): Promise<void> {
  const { messages } = session;
  try {
    const found = await functionsOf(session, namespace);
    const selected = found.filter(({ labels }) => matches(selector, labels)).map(({ name }) => name);
    if (selected.length > 0) messages.info(`selects ${countOf(selected)}: ${shortList(selected)}`);
    else messages.warning(`selects no function yet: ${whyNone(namespace, selector, found)}`);
  } catch (thrown) {
    messages.warning(`Cannot tell which functions it selects now: ${asError(thrown).message}`);
  }
}

const countOf = ({ length }: readonly string[]): string => (length === 1 ? '1 function' : `${length} functions`);

const shortList = (names: readonly string[]): string =>
  names.slice(0, NAMES_SHOWN).join(', ') + (names.length > NAMES_SHOWN ? ', ...' : '');

/** `no Function in namespace default has app=orders; nearest: api (app=order)` */
function whyNone(namespace: string, selector: LabelSelector, found: readonly Candidate[]): string {
  const query = selectorQuery(selector);
  if (found.length === 0) return `namespace ${namespace} has no Function`;
  const near = nearestLabels(selector, found).map(({ name, label }) => `${name} (${label})`);
  const hint = near.length === 0 ? '' : `; nearest: ${near.join(', ')}`;
  return `no Function in namespace ${namespace} has ${query}${hint}`;
}
