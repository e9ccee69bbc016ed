import { expect, test } from 'vitest';
import { z } from 'zod';
import { duration } from '../../domain/duration.ts';
import { structuralSchema } from './structural-schema.ts';

const of = (field: z.ZodType) => structuralSchema(z.strictObject({ field })).properties?.field;

test('descriptions stay, and tell the default, which is not filled in', () => {
  expect(of(z.boolean().default(false).describe('Holds.'))).toEqual({
    type: 'boolean',
    description: 'Holds. Default: false.',
  });
  expect(of(duration.default(30_000).describe('How long.'))?.description).toBe('How long. Default: 30s.');
  expect(of(z.string().default('a').describe('Default: that of the function.'))?.description).toBe(
    'Default: that of the function.',
  );
  expect(of(z.object({}).default({}))?.description).toBeUndefined();
});

test('a whole number has the format of one, and no bounds that only JavaScript has', () => {
  expect(of(z.int())).toEqual({ type: 'integer', format: 'int64' });
  expect(of(z.int().min(1).max(9))).toEqual({ type: 'integer', format: 'int64', minimum: 1, maximum: 9 });
});

test('an object lists its fields, a loose one keeps others, a map tells what its values are', () => {
  expect(of(z.strictObject({ a: z.string().optional() }))).toEqual({
    type: 'object',
    properties: { a: { type: 'string' } },
  });
  expect(of(z.looseObject({}))).toMatchObject({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  expect(of(z.record(z.string(), z.int()))).toEqual({
    type: 'object',
    additionalProperties: { type: 'integer', format: 'int64' },
  });
  expect(of(z.unknown())).toEqual({ 'x-kubernetes-preserve-unknown-fields': true });
});

test('a pattern with a sentence of its own is a rule that says it, with what was found', () => {
  expect(of(z.string().max(9).regex(/^a+$/, 'must be "a"s'))).toEqual({
    type: 'string',
    maxLength: 9,
    'x-kubernetes-validations': [
      {
        rule: 'self.matches("^a+$")',
        message: 'must be "a"s',
        messageExpression: String.raw`"must be \"a\"s, found \"" + self + '"'`,
      },
    ],
  });
  expect(of(z.string().regex(/^a+$/))).toEqual({ type: 'string', pattern: '^a+$' });
});

test('what has no structural form is an error that names the field', () => {
  expect(() => of(z.union([z.string(), z.boolean()]))).toThrow('spec.field: anyOf has no structural form');
  expect(() => of(z.string().regex(/^(?!a)/))).toThrow('spec.field: the pattern ^(?!a) looks ahead');
});
