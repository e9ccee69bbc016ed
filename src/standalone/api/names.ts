import { randomInt } from 'node:crypto';
import type { Issue, ObjectMeta, ResourceType } from '../../domain/resource.ts';
import { labelKeyProblem, labelValueProblem } from '../../resources/labels.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_LABEL = 63;
const MAX_SUBDOMAIN = 253;

export const isNamespaceName = (name: string): boolean => name.length <= MAX_LABEL && LABEL.test(name);
const isObjectName = (name: string): boolean => name.length <= MAX_SUBDOMAIN && SUBDOMAIN.test(name);

/** What is wrong with the name, labels and annotations of an object. */
export function metadataIssues(type: ResourceType, metadata: ObjectMeta): Issue[] {
  const issues: Issue[] = [];
  const isNamespace = type.group === '' && type.kind === 'Namespace';
  if (!(isNamespace ? isNamespaceName : isObjectName)(metadata.name)) {
    const longest = isNamespace ? MAX_LABEL : MAX_SUBDOMAIN;
    issues.push({
      path: ['metadata', 'name'],
      message:
        `must be an RFC 1123 name: at most ${longest} lower-case letters, digits${isNamespace ? ' or "-"' : ', "-" or "."'}, ` +
        `with a letter or digit at both ends, found "${metadata.name}"`,
    });
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    const problem = labelKeyProblem(key) ?? labelValueProblem(value);
    if (problem) issues.push({ path: ['metadata', 'labels'], message: `is invalid: ${problem}` });
  }
  for (const key of Object.keys(metadata.annotations ?? {})) {
    // Kubernetes takes upper-case letters in the prefix of an annotation.
    const problem = labelKeyProblem(key.toLowerCase());
    if (problem) issues.push({ path: ['metadata', 'annotations'], message: `is invalid: ${problem}` });
  }
  return issues;
}

/** No vowels and nothing that looks like another character, as in Kubernetes: no words come about. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;

/** A name from `generateName`. */
export function generatedName(base: string): string {
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => SUFFIX_ALPHABET[randomInt(SUFFIX_ALPHABET.length)]);
  return `${base.slice(0, MAX_LABEL - SUFFIX_LENGTH)}${suffix.join('')}`;
}
