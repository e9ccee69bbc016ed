import { z } from 'zod';
import { duration } from '../../domain/duration.ts';
import { labelSelector } from '../../domain/trigger.ts';

/** A rule in CEL, with the sentence for whoever breaks it. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  /** The sentence with what was found, in CEL. */
  readonly messageExpression?: string;
}

/** What a declaration says and JSON Schema cannot. */
interface Rules {
  /** Laid over the JSON Schema. */
  readonly schema: object;
  /** What it stands for is taken out of the JSON Schema. */
  readonly replaces: readonly ('pattern' | 'format' | 'anyOf' | 'type')[];
}

/** The longest text that a rule may have to look at where the declaration sets no bound: the API server limits the cost. */
const LONGEST_TEXT = 2048;
const LONGEST_DURATION = 32;
const MOST_EXPRESSIONS = 64;
const MOST_VALUES = 256;

/** @param maxLength that the declaration sets */
export function rulesOf(schema: z.core.$ZodType, maxLength = LONGEST_TEXT): Rules | undefined {
  if (schema === duration) return durationRules;
  if (schema === labelSelector) return { schema: boundedSelector, replaces: [] };
  return schema instanceof z.core.$ZodURL ? urlRules(schema, maxLength) : textRules(schema, maxLength);
}

/** The sentence of a rule about a text, which ends with what was found. */
const saying = (message: string, found = 'self'): Omit<Rule, 'rule'> => ({
  message,
  messageExpression: `${JSON.stringify(`${message}, found "`)} + ${found} + '"'`,
});

const DURATION = '^([0-9]+([.][0-9]+)?|([0-9]+([.][0-9]+)?(ms|s|m|h))+)$';

const durationRules: Rules = {
  schema: {
    'x-kubernetes-int-or-string': true,
    maxLength: LONGEST_DURATION,
    'x-kubernetes-validations': [
      {
        rule: `type(self) == int ? self >= 0 : self.matches('${DURATION}')`,
        ...saying('must be a duration such as 500ms, 30s, 5m or 24h', 'string(self)'),
      },
    ],
  },
  replaces: ['anyOf'],
};

const values = { type: 'array', items: { type: 'string' }, maxItems: MOST_VALUES };

const boundedSelector = {
  properties: {
    matchLabels: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Labels that a function must have, each with this value.',
    },
    matchExpressions: {
      type: 'array',
      maxItems: MOST_EXPRESSIONS,
      description: 'Conditions on labels; all of them must hold.',
      items: {
        type: 'object',
        required: ['key', 'operator'],
        properties: {
          key: { type: 'string', minLength: 1, description: 'Name of the label.' },
          operator: {
            type: 'string',
            enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'],
            description: 'How the label and the values relate.',
          },
          values: { ...values, description: 'For In and NotIn: at least one. For Exists and DoesNotExist: none.' },
        },
        'x-kubernetes-validations': [
          {
            rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
            message: 'operators In and NotIn need values; Exists and DoesNotExist take none',
          },
        ],
      },
    },
  },
};

/** A pattern with a sentence of its own becomes a rule, because a rule can say that sentence. */
function textRules(schema: z.core.$ZodType, maxLength: number): Rules | undefined {
  if (!(schema instanceof z.core.$ZodString)) return undefined;
  const rules = (schema._zod.def.checks ?? []).flatMap((check) => {
    if (!(check instanceof z.core.$ZodCheckRegex)) return [];
    const { pattern } = check._zod.def;
    const message = sentence(check._zod.def.error);
    return message === undefined
      ? []
      : [{ rule: `self.matches(${JSON.stringify(pattern.source)})`, ...saying(message) }];
  });
  if (rules.length === 0) return undefined;
  return { schema: { maxLength, 'x-kubernetes-validations': rules }, replaces: ['pattern'] };
}

function urlRules(schema: z.core.$ZodURL, maxLength: number): Rules | undefined {
  const { error, protocol } = schema._zod.def;
  const message = sentence(error);
  if (message === undefined) return undefined;
  // Not url(self).getScheme(): its length is not known beforehand, which makes any rule about it too costly.
  const scheme = protocol && ` && self.matches(${JSON.stringify(protocol.source.replace(/\$$/, ':'))})`;
  const rules: Rule[] = [{ rule: `isURL(self)${scheme ?? ''}`, ...saying(message) }];
  return { schema: { maxLength, 'x-kubernetes-validations': rules }, replaces: ['format'] };
}

/** What a check says when it fails, if it has a sentence of its own. */
function sentence(error: unknown): string | undefined {
  const said: unknown = typeof error === 'function' ? Reflect.apply(error, undefined, [{}]) : undefined;
  return typeof said === 'string' ? said : undefined;
}

/** Adds what is taken when nothing is said to the description, unless that tells it already. */
export function describeDefault(schema: z.core.$ZodType, jsonSchema: z.core.JSONSchema.BaseSchema): void {
  if (!(schema instanceof z.core.$ZodDefault)) return;
  delete jsonSchema.default;
  const { defaultValue, innerType } = schema._zod.def;
  const { description } = jsonSchema;
  if (typeof defaultValue === 'object' || description?.includes('Default:')) return;
  const shown = innerType === duration ? `${Number(defaultValue) / 1000}s` : String(defaultValue);
  jsonSchema.description = [description, `Default: ${shown}.`].filter((part) => part !== undefined).join(' ');
}
