import type { ResourceType } from '../../domain/resource.ts';
import { assertNotTooDeep } from './depth.ts';
import { applyJsonPatch } from './json-patch.ts';
import { badRequest, unsupportedMediaType } from './status.ts';

const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

/** Media types of a PATCH that every type of resource takes. */
export const patchTypes: readonly string[] = [MERGE, JSON_PATCH];

/** What `kubectl` sends for the core types without asking. */
const acceptedTypes = (type: ResourceType): readonly string[] =>
  type.group === '' ? [...patchTypes, STRATEGIC] : patchTypes;

/**
 * A document with a patch applied; nothing is changed in place.
 * @throws StatusError 415 for a media type that this type of resource does not take; 400 where patches, one upon another,
 *   have nested it too deeply
 */
export function applyPatch(type: ResourceType, mediaType: string, target: unknown, patch: unknown): unknown {
  if (!acceptedTypes(type).includes(mediaType)) {
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${acceptedTypes(type).join(', ')}`,
    );
  }
  const patched = mediaType === JSON_PATCH ? applyJsonPatch(target, patch) : merged(mediaType, target, patch);
  assertNotTooDeep(patched, 'the object');
  return patched;
}

function merged(mediaType: string, target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest('a merge patch must be an object');
  if (mediaType === STRATEGIC) assertPlain(patch);
  return mergePatch(target, patch);
}

/** RFC 7386. Built from entries, so a member called __proto__ is only a member. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/**
 * In the core types that are served here a strategic merge patch differs from a merge patch only by its directives and
 * by `finalizers` (a set): such a patch is refused rather than misread.
 */
function assertPlain(patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$') || key === 'finalizers' || key === 'ownerReferences') {
      throw unsupportedMediaType(`a strategic merge patch with "${key}" is not supported here; use ${MERGE}`);
    }
    if (isObject(value)) assertPlain(value);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
