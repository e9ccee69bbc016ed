import type { ServedType } from '../domain/resource.ts';
import { resourceName } from '../resources/path.ts';
import { objectSchema } from './crds/crd.ts';
import { declarations } from './crds/declarations.ts';

/** The same types, each with what its definition in a cluster says of its fields. */
export function explained(types: readonly ServedType[]): readonly ServedType[] {
  const declared = new Map(declarations.map((declaration) => [resourceName(declaration.type), declaration]));
  return types.map((type) => {
    const declaration = declared.get(resourceName(type));
    return declaration === undefined ? type : { ...type, schema: objectSchema(declaration) };
  });
}
