import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { asError } from '../../domain/errors.ts';
import type { Issue, KubernetesObject, ServedType } from '../../domain/resource.ts';
import { strictIssues } from '../strictness.ts';
import { checkHeader, sentence } from './check.ts';
import { inlineCode } from './inline-code.ts';
import { describeObject, type Manifest, type Position, type Problem } from './manifest.ts';
import { readDocuments, type YamlDocument } from './yaml-documents.ts';

export interface Manifests {
  /** In the order of `types`, then of files and documents. */
  readonly objects: readonly Manifest[];
  /** In the order of their places. */
  readonly problems: readonly Problem[];
  /** Folders whose changes matter: of the manifests, and of the code that they name. */
  readonly folders: readonly string[];
  /** Objects of other API groups, where they are passed by. */
  readonly foreign: readonly Problem[];
}

export interface ReadOptions {
  /** What stands for the path `-`. Code that it names is looked for in the folder of the process. */
  readonly input?: string;
  /** Objects of other API groups are no problem. */
  readonly passForeign?: boolean;
  /** Of objects that name none. Default: `default`. */
  readonly namespace?: string;
  /** Only what an object is named by is looked at: what is wrong with the rest is no problem. */
  readonly namesOnly?: boolean;
}

const MANIFEST = /^[^.].*\.(ya?ml|json)$/;

/**
 * Reads and checks manifests. Nothing is applied; a bad file or document does not stop the others.
 * @param paths folders (their `*.yaml`, `*.yml` and `*.json`, not those of folders below, as kubectl does) and files
 */
export async function readManifests(
  paths: readonly string[],
  types: readonly ServedType[],
  { input, passForeign = false, namespace = 'default', namesOnly = false }: ReadOptions = {},
): Promise<Manifests> {
  const found: Read = { objects: [], problems: [], foreign: [], folders: new Set(), passForeign, namespace, namesOnly };
  for (const path of paths) {
    if (path === '-' && input !== undefined) await readText(input, { file: '-', root: '.', types }, found);
    else await readRoot(path, types, found);
  }
  const objects = withoutDuplicates(found).toSorted((a, b) => types.indexOf(a.type) - types.indexOf(b.type));
  return { objects, problems: found.problems.toSorted(byPlace), foreign: found.foreign, folders: [...found.folders] };
}

interface Read {
  readonly objects: Manifest[];
  readonly problems: Problem[];
  readonly foreign: Problem[];
  readonly folders: Set<string>;
  readonly passForeign: boolean;
  readonly namespace: string;
  readonly namesOnly: boolean;
}

async function readRoot(path: string, types: readonly ServedType[], found: Read): Promise<void> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const root = isFolder ? path : dirname(path);
    found.folders.add(resolve(root));
    const files = isFolder ? (await readdir(path)).filter((name) => MANIFEST.test(name)).toSorted() : [];
    for (const file of isFolder ? files.map((name) => join(path, name)) : [path]) {
      await readManifestFile(file, root, types, found);
    }
  } catch (error) {
    found.problems.push(unreadable(path, error));
  }
}

async function readManifestFile(file: string, root: string, types: readonly ServedType[], found: Read): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => unreadable(file, error));
  if (typeof text !== 'string') {
    found.problems.push(text);
    return;
  }
  await readText(text, { file, root, types }, found);
}

async function readText(text: string, place: Place, found: Read): Promise<void> {
  for (const document of readDocuments(text)) await readObject(document, place, found);
}

interface Place {
  readonly file: string;
  readonly root: string;
  readonly types: readonly ServedType[];
}

async function readObject(document: YamlDocument, { file, root, types }: Place, found: Read): Promise<void> {
  if (document.type === 'broken') {
    found.problems.push({ file, ...document.position, message: document.message });
    return;
  }
  const report = (issues: readonly Issue[]) => {
    for (const issue of issues) {
      found.problems.push({ file, ...document.locate(issue.path), message: sentence(issue) });
    }
  };
  const checked = checkHeader(document.value, types, found.namespace);
  if (checked.type === 'foreign' && found.passForeign) {
    found.foreign.push({ file, ...document.locate([]), message: checked.name });
    return;
  }
  if (checked.type !== 'object') return report(checked.issues);
  const { served: type } = checked;
  const push = (object: KubernetesObject) =>
    found.objects.push({ file, position: document.locate([]), locate: document.locate, type, object });
  if (found.namesOnly) {
    push(checked.object);
    return;
  }
  const inlined = await inlineCode(checked.object, type, file, root);
  if (inlined.folder !== undefined) found.folders.add(inlined.folder);
  const own = inlined.issues.length > 0 ? inlined.issues : type.validate(inlined.object);
  const issues = [...own, ...strictIssues(checked.object)];
  if (issues.length > 0) report(issues);
  else push(inlined.object);
}

const byPlace = (a: Problem, b: Problem): number =>
  (a.file < b.file ? -1 : +(a.file > b.file)) || a.line - b.line || a.column - b.column;

/** The first of two objects with one name stands; the second is a problem. */
function withoutDuplicates({ objects, problems }: Read): Manifest[] {
  const first = new Map<string, Manifest>();
  for (const manifest of objects) {
    const key = `${manifest.type.group} ${describeObject(manifest.object)}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, manifest);
    else problems.push({ file: manifest.file, ...manifest.position, message: declaredTwice(manifest, other) });
  }
  return [...first.values()];
}

const declaredTwice = ({ object }: Manifest, { file, position }: Manifest): string =>
  `${describeObject(object)} is already declared in ${file}:${position.line}.`;

const START: Position = { line: 1, column: 1 };

function unreadable(file: string, error: unknown): Problem {
  const reason =
    (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'It does not exist.' : `${asError(error).message}.`;
  return { file, ...START, message: `The file or folder cannot be read: ${reason}` };
}
