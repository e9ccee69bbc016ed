import { z } from 'zod';
import { describeDefault, type Rule, rulesOf } from './rules.ts';

/** The part of `apiextensions.k8s.io/v1` JSONSchemaProps that is used here. */
export interface StructuralSchema {
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  'x-kubernetes-int-or-string'?: true;
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic';
  'x-kubernetes-validations'?: Rule[];
}

/**
 * The declaration of a spec as the structural schema that a CustomResourceDefinition takes (KEP-2335).
 *
 * Defaults are told in the descriptions and not filled in by the API server: what a person did not say stays unsaid in
 * the stored object, so that a later version may choose better.
 *
 * @throws Error for a declaration that has no structural form, naming where: a mistake in that declaration
 */
export function structuralSchema(declaration: z.ZodType): StructuralSchema {
  const document = z.toJSONSchema(declaration, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      describeDefault(zodSchema, jsonSchema);
      const rules = rulesOf(zodSchema, jsonSchema.maxLength);
      if (rules === undefined) return;
      for (const field of rules.replaces) delete jsonSchema[field];
      Object.assign(jsonSchema, rules.schema);
    },
  });
  return normalised(document, 'spec');
}

/** What JSON Schema says the same way. */
const KEPT = [
  'type',
  'format',
  'description',
  'required',
  'enum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'x-kubernetes-int-or-string',
  'x-kubernetes-validations',
] as const;

type JsonSchema = z.core.JSONSchema.BaseSchema;

function normalised(schema: JsonSchema, path: string): StructuralSchema {
  for (const keyword of ['anyOf', 'oneOf', 'allOf', 'not', '$ref'] as const) {
    if (schema[keyword] !== undefined) throw new Error(`${path}: ${keyword} has no structural form`);
  }
  const result: StructuralSchema = {};
  for (const keyword of KEPT) if (schema[keyword] !== undefined) Object.assign(result, { [keyword]: schema[keyword] });
  if (schema.pattern !== undefined) result.pattern = checkedPattern(schema.pattern, path);
  if (schema.type === 'integer') asInt64(result);
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties);
    result.properties = Object.fromEntries(
      fields.map(([name, field]) => [name, normalised(inner(field), `${path}.${name}`)]),
    );
  }
  if (schema.items !== undefined && !Array.isArray(schema.items)) {
    result.items = normalised(inner(schema.items), `${path}[]`);
  }
  mapOf(schema, result, path);
  if (result.type === undefined && result['x-kubernetes-int-or-string'] === undefined) {
    result['x-kubernetes-preserve-unknown-fields'] = true;
  }
  return result;
}

/** Beside `properties` it may not stand: a strict object just lists its fields, a loose one keeps what it does not list. */
function mapOf({ additionalProperties: others, properties }: JsonSchema, result: StructuralSchema, path: string): void {
  if (others === undefined || others === false) return;
  const isAnything = others === true || Object.keys(others).length === 0;
  if (isAnything || properties !== undefined) result['x-kubernetes-preserve-unknown-fields'] = true;
  else result.additionalProperties = normalised(inner(others), `${path}{}`);
}

/** Bounds that only say what a JavaScript number can hold go. */
function asInt64(result: StructuralSchema): void {
  result.format = 'int64';
  if (result.maximum === Number.MAX_SAFE_INTEGER) delete result.maximum;
  if (result.minimum === Number.MIN_SAFE_INTEGER) delete result.minimum;
}

/** The API server matches with RE2. */
function checkedPattern(pattern: string, path: string): string {
  if (/\(\?<?[=!]/.test(pattern)) throw new Error(`${path}: the pattern ${pattern} looks ahead or behind; RE2 cannot`);
  return pattern;
}

const inner = (schema: z.core.JSONSchema._JSONSchema): JsonSchema => (typeof schema === 'boolean' ? {} : schema);
