import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { z } from 'zod';
import { functionType } from '../../domain/function.ts';
import type { Issue, KubernetesObject, ServedType } from '../../domain/resource.ts';
import { FROM_FILE } from './manifest.ts';

export interface Inlined {
  readonly object: KubernetesObject;
  /** The folder that holds the code, where the object names a file. */
  readonly folder: string | undefined;
  readonly issues: readonly Issue[];
}

const anyObject = z.looseObject({});

/**
 * Puts the text of the file that `trigate.dev/from-file` names into `spec.function`.
 * @param file the manifest: the name is relative to it
 * @param root folder that the code may not leave, neither by `..` nor by a symbolic link
 */
export async function inlineCode(
  object: KubernetesObject,
  type: ServedType,
  file: string,
  root: string,
): Promise<Inlined> {
  const name = object.metadata.annotations?.[FROM_FILE];
  if (name === undefined || type.kind !== functionType.kind) return { object, folder: undefined, issues: [] };
  const path = resolve(dirname(file), name);
  const folder = dirname(path);
  const refused = (message: string): Inlined => ({
    object,
    folder: isInside(path, resolve(root)) ? folder : undefined,
    issues: [{ path: ['metadata', 'annotations', FROM_FILE], message }],
  });
  const { data: spec } = anyObject.safeParse(object.spec ?? {});
  if (spec === undefined) return { object, folder: undefined, issues: [] }; // its own check tells what is wrong
  if (spec.function !== undefined) return refused('cannot stand beside spec.function; give one of them');
  if (!isInside(path, resolve(root))) return refused(`must stay inside the folder of the manifests, found "${name}"`);
  try {
    const real = await realpath(path);
    if (!isInside(real, await realpath(root)))
      return refused(`must not lead out of the folder by a symbolic link, found "${name}"`);
    const code = await readFile(real, 'utf8');
    return {
      object: { ...object, spec: { ...spec, function: code, 'function-content-type': 'text' } },
      folder,
      issues: [],
    };
  } catch (error) {
    return refused(`names a file that cannot be read: "${name}" (${(error as NodeJS.ErrnoException).code ?? error})`);
  }
}

const isInside = (path: string, root: string): boolean => path.startsWith(root.endsWith(sep) ? root : root + sep);
