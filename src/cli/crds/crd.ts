import type { z } from 'zod';
import { categoriesOf, type ObjectSchema, type PrinterColumn, type ResourceType } from '../../domain/resource.ts';
import type { Rule } from './rules.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

/** All that the definition of one resource type is made from. */
export interface Declaration {
  readonly type: ResourceType;
  /** What the resource is, for `kubectl explain`. */
  readonly description: string;
  readonly spec: z.ZodType;
  /** What the fields of the spec say only together. */
  readonly rules?: readonly Rule[];
  readonly status: StructuralSchema;
  readonly columns: readonly PrinterColumn[];
}

/** `apiextensions.k8s.io/v1` CustomResourceDefinition. */
export function customResourceDefinition(declaration: Declaration): object {
  const { type, columns } = declaration;
  const { group, version, kind, plural, singular, shortNames } = type;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'trigate' } },
    spec: {
      group,
      scope: type.namespaced ? 'Namespaced' : 'Cluster',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: categoriesOf(type) },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', ...objectSchema(declaration) } },
          subresources: { status: {} },
          additionalPrinterColumns: columns.map(printerColumn),
        },
      ],
    },
  };
}

export function objectSchema({ description, spec, rules = [], status }: Declaration): ObjectSchema {
  return { description, required: ['spec'], properties: { spec: specSchema(spec, rules), status } };
}

function specSchema(spec: z.ZodType, rules: readonly Rule[]): StructuralSchema {
  const schema = { description: 'What is wanted.', ...structuralSchema(spec) };
  const all = schema.properties?.fanout === undefined ? [...rules] : [...rules, fanoutStays];
  return all.length === 0 ? schema : { ...schema, 'x-kubernetes-validations': all };
}

/** Each of the two ways keeps its positions under other names. */
const fanoutStays = {
  rule: "(has(self.fanout) ? self.fanout : 'isolated') == (has(oldSelf.fanout) ? oldSelf.fanout : 'isolated')",
  message: 'fanout cannot be changed on an existing trigger: delete the trigger and create it again',
};

function printerColumn({ name, path, type, wide = false }: PrinterColumn): object {
  const jsonPath = path.replace(/\[(\w+)\]/, '[?(@.type=="$1")]');
  return { name, type, jsonPath, ...(wide && { priority: 1 }) };
}
