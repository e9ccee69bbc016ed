import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  /** The text without comments; strings stay. */
  readonly code: string;
  /** What it imports or exports from, as written: static, dynamic and type imports. */
  readonly imports: readonly string[];
}

/** All TypeScript files below some folders. */
export async function sourceFiles(root: string, folders: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.[cm]?tsx?$/.test(entry.name) || entry.parentPath.includes('node_modules')) continue;
      const file = join(entry.parentPath, entry.name);
      files.push(read(relative(root, file).split(sep).join('/'), await readFile(file, 'utf8')));
    }
  }
  return files.sort((a, b) => a.path.localeCompare(b.path));
}

export function read(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  return { path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0), code, imports: importsOf(code) };
}

const COMMENT_OR_TEXT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** Strings are matched so that what looks like a comment inside them stays. */
const withoutComments = (text: string): string =>
  text.replace(COMMENT_OR_TEXT, (match) => (match.startsWith('/*') || match.startsWith('//') ? ' ' : match));

const IMPORT = /(?:\bfrom|^\s*import|\bimport\s*\()\s*['"]([^'"]+)['"]/gm;

const importsOf = (code: string): string[] => [...code.matchAll(IMPORT)].flatMap(([, target]) => target ?? []);
