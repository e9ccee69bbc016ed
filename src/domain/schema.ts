import { z } from 'zod';
import { nearest } from './nearest.ts';
import type { Issue, KubernetesObject } from './resource.ts';

/** What is wrong with the `spec` of an object by its schema. */
export function specIssues(schema: z.ZodType, object: KubernetesObject): Issue[] {
  if (object.spec === undefined || object.spec === null) {
    return [{ path: ['spec'], message: 'is missing' }];
  }
  const result = schema.safeParse(object.spec, { error: sentence });
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const path = ['spec', ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    // One issue for each field that is not known, at that field.
    if (issue.code === 'unrecognized_keys') {
      const known = fieldsAt(schema, issue.path);
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownField(key, known) }));
    }
    return [{ path, message: issue.message }];
  });
}

/** What is said of a field that is not known, with the one that was probably meant. */
export function unknownField(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return `is not a field that is known here${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}

/** The fields that an object may have at a place of a schema. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.JSONSchema.BaseSchema | undefined = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  for (const step of path) at = typeof step === 'number' ? itemsOf(at) : objectOf(at?.properties?.[String(step)]);
  return Object.keys(at?.properties ?? {});
}

const itemsOf = (schema: z.core.JSONSchema.BaseSchema | undefined) =>
  Array.isArray(schema?.items) ? undefined : objectOf(schema?.items);

const objectOf = (schema: z.core.JSONSchema._JSONSchema | undefined) =>
  typeof schema === 'boolean' ? undefined : schema;

/** One sentence for an issue: what was found, what is allowed. */
const sentence: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `must be ${article(issue.expected)}, found ${shown(issue.input)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}, found ${shown(issue.input)}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${issue.origin === 'string' ? ' characters long' : ''}, found ${shown(issue.input)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}, found ${shown(issue.input)}`;
    default:
      return undefined;
  }
};

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** `spec.delivery.order` */
export const fieldName = (path: Issue['path']): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
