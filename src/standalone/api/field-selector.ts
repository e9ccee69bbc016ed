import type { KubernetesObject } from '../../domain/resource.ts';
import { badRequest } from './status.ts';

const FIELDS = ['metadata.name', 'metadata.namespace'] as const;
type Field = (typeof FIELDS)[number];

/**
 * Reads `metadata.name=orders,metadata.namespace!=test` as a test of objects.
 * @throws StatusError 400
 */
export function parseFieldSelector(text: string): (object: KubernetesObject) => boolean {
  const terms = text
    .split(',')
    .filter((term) => term.trim() !== '')
    .map(parseTerm);
  return (object) => terms.every(({ field, equal, value }) => (fieldOf(object, field) === value) === equal);
}

function parseTerm(term: string): { field: Field; equal: boolean; value: string } {
  const [, name = '', operator, value = ''] = /^\s*([^=!\s]+)\s*(==?|!=)\s*(.*?)\s*$/.exec(term) ?? [];
  const field = FIELDS.find((known) => known === name);
  if (field === undefined) {
    throw badRequest(`the field selector has the term "${term}"; allowed are ${FIELDS.join(' and ')} with = or !=`);
  }
  return { field, equal: operator !== '!=', value };
}

function fieldOf({ metadata }: KubernetesObject, field: Field): string {
  switch (field) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    default:
      return field satisfies never;
  }
}
