import { z } from 'zod';
import { functionResource, functionType } from '../domain/function.ts';
import type { ServedType } from '../domain/resource.ts';
import { specIssues } from '../domain/schema.ts';
import { labelSelector } from '../domain/trigger.ts';
import { selectorIssues } from '../resources/selector.ts';
import type { Declaration } from './crds/crd.ts';
import { declarations } from './crds/declarations.ts';

/** Every resource type of this project with its rules, known without a server and without a broker. */
export const manifestTypes = (): readonly ServedType[] => declarations.map(servedType);

const selecting = z.looseObject({ functionSelector: labelSelector.default({}) });

function servedType({ type, spec, columns }: Declaration): ServedType {
  if (type.kind === functionType.kind) return functionResource;
  return {
    ...type,
    columns,
    validate(object) {
      const issues = specIssues(spec, object);
      if (issues.length > 0) return issues;
      return selectorIssues(selecting.parse(object.spec).functionSelector, ['spec', 'functionSelector']);
    },
  };
}
