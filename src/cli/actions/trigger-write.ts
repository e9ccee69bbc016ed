import type { z } from 'zod';
import { TrigateError } from '../../domain/errors.ts';
import { apiVersionOf, type KubernetesObject, type ResourceType } from '../../domain/resource.ts';
import { fieldName, specIssues } from '../../domain/schema.ts';
import type { LabelSelector } from '../../domain/trigger.ts';
import type { WriteOptions } from '../../resources/resources.ts';
import { printedInstead } from '../dry-run.ts';
import { sayMatches } from '../matches.ts';
import type { DryRun } from '../options.ts';
import { checkFormat } from '../output.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import type { Session } from '../shell.ts';
import { checkedNamespace, named } from './trigger.ts';

export type StoredSpec = Readonly<Record<string, unknown>>;

/** A trigger that a command creates or updates: all that the sorts of triggers differ in. */
export interface TriggerWrite {
  /** At the head of messages: `Kafka`. */
  readonly title: string;
  /** Kubeless' own spelling where it fails. Default: the title. */
  readonly failing?: string;
  readonly type: ResourceType;
  readonly name: string;
  readonly dryRun: DryRun;
  readonly output: string;
  /** Of the functions, when one was given: then it is said what it selects. */
  readonly selector: LabelSelector | undefined;
  /** The fields of the spec that flags give. */
  given(): StoredSpec | Promise<StoredSpec>;
  /** @throws TrigateError for a trigger that cannot be */
  check?(trigger: KubernetesObject): void;
  /** The same for what only the server knows. Not asked for a dry run of the client. */
  checkStored?(namespace: string): Promise<void>;
  /** Default: what is given replaces what is stored. */
  merge?(stored: StoredSpec, given: StoredSpec): StoredSpec;
}

export async function createTriggerObject(session: Session, write: TriggerWrite): Promise<void> {
  const { type, name } = write;
  const namespace = checkedNamespace(session, write, name);
  checkFormat(write.output);
  const trigger = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { name, namespace, labels: { 'created-by': 'kubeless' } },
    spec: await write.given(),
  };
  await store(session, write, trigger, 'create', (options) => session.resources.create(type, trigger, options));
}

/** Only what is given replaces; the rest of the object, set-based selectors included, stays as it is stored. */
export async function updateTriggerObject(session: Session, write: TriggerWrite): Promise<void> {
  const { type, name, merge = (stored, given) => ({ ...stored, ...given }) } = write;
  const namespace = checkedNamespace(session, write, name);
  checkFormat(write.output);
  const given = await write.given();
  const unfound = `Unable to find ${write.title} trigger ${name} in namespace ${namespace}. Error `;
  await retryConflicts(async () => {
    const stored = await named(unfound, () =>
      session.resources.get<KubernetesObject<StoredSpec>>(type, namespace, name),
    );
    const trigger = { ...stored, spec: merge(stored.spec ?? {}, given) };
    await store(session, write, trigger, 'update', (options) => session.resources.replace(type, trigger, options));
  });
}

async function store(
  session: Session,
  write: TriggerWrite,
  trigger: KubernetesObject<StoredSpec>,
  verb: 'create' | 'update',
  put: (options: WriteOptions) => Promise<unknown>,
): Promise<void> {
  const { title, failing = title, name, selector } = write;
  const { namespace = '' } = trigger.metadata;
  write.check?.(trigger);
  const words = `Failed to ${verb} ${failing} trigger object ${name} in namespace ${namespace}. Error: `;
  const stored = (options: WriteOptions) => named(words, () => put(options));
  if (write.dryRun !== 'client') await write.checkStored?.(namespace);
  if (await printedInstead(session, { ...write, object: trigger, store: stored })) return;
  await stored({});
  session.messages.info(`${title} trigger ${name} ${verb}d in namespace ${namespace} successfully!`);
  if (selector !== undefined) await sayMatches(session, namespace, selector);
}

/**
 * The rules of the resource API, said of the flags.
 * @param flags by the field of the spec that they give
 */
export function checkSpec(spec: z.ZodType, trigger: KubernetesObject, flags: Readonly<Record<string, string>>): void {
  const [issue] = specIssues(spec, trigger);
  if (issue === undefined) return;
  const flag = flags[String(issue.path[1])];
  const what = flag === undefined ? fieldName(issue.path) : `--${flag}`;
  throw new TrigateError('INVALID_ARGUMENT', `${what}: ${issue.message}.`);
}

/** What is neither is left to the rules. */
export const booleanOf = (text: string): boolean | string => (text === 'true' ? true : text === 'false' ? false : text);
