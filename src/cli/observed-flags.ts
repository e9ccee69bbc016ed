import { TrigateError } from '../domain/errors.ts';
import { nearest } from '../domain/nearest.ts';
import { kindOf } from './explain/verdict.ts';
import { isTriggerType } from './kind-names.ts';
import { manifestTypes } from './manifest-types.ts';
import { checkNamespace, checkObjectName } from './names.ts';

/** Of which triggers and functions events or counts are shown. Undefined: of all. */
export interface ObservedFlags {
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly trigger?: string | undefined;
  readonly function?: string | undefined;
}

/** What cannot be would find nothing, as if there were none. @throws TrigateError INVALID_ARGUMENT */
export function checkObserved({ kind, namespace, trigger, function: functionName }: ObservedFlags): void {
  if (kind !== undefined) checkKind(kind);
  if (namespace !== undefined) checkNamespace(namespace);
  if (trigger !== undefined) checkObjectName('trigger name', trigger);
  if (functionName !== undefined) checkObjectName('function name', functionName);
}

function checkKind(kind: string): void {
  const kinds = manifestTypes().filter(isTriggerType).map(kindOf);
  if (kinds.includes(kind)) return;
  const meant = nearest(kind, kinds);
  const text = `--kind must be one of ${kinds.join(', ')}, found ${JSON.stringify(kind)}.`;
  throw new TrigateError('INVALID_ARGUMENT', meant === undefined ? text : `${text} Did you mean ${meant}?`);
}
