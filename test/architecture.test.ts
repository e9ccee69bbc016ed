import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SourceFile, sourceFiles } from './support/source-files.ts';

/** Which parts of the project a part may import, beside itself. What is not in the table may not exist. */
const table: Readonly<Record<string, readonly string[]>> = {
  'src/domain': [],
  'src/config': ['src/domain'],
  'src/telemetry': ['src/domain'],
  'src/resources': ['src/domain', 'src/telemetry'],
  'src/delivery': ['src/domain', 'src/telemetry', 'src/resources'],
  'src/functions': ['src/domain', 'src/telemetry', 'src/resources'],
  'src/controller': ['src/domain', 'src/delivery', 'src/functions', 'src/resources', 'src/telemetry'],
  'src/admin': ['src/domain', 'src/telemetry', 'src/resources'],
  'src/standalone': ['src/domain', 'src/telemetry', 'src/resources'],
  'src/console': [],
  'src/sdk.ts': ['src/domain', 'src/telemetry', 'src/resources'],
  'src/cli': ['src', 'triggers'],
  'triggers/*': ['src/sdk.ts'],
};

const MAX_LINES = 400;
const KIND_FILES = ['index.ts', 'spec.ts', 'source.ts', 'claim.ts', 'event.ts', 'README.md'];

const root = join(import.meta.dirname, '..');
let files: SourceFile[];
let production: SourceFile[];

beforeAll(async () => {
  files = await sourceFiles(root, ['src', 'triggers', 'test']);
  production = files.filter(({ path }) => isProduction(path));
});

/** Tests and the conformance suite's harness may use the test support and reach into other parts. */
const isProduction = (path: string): boolean =>
  !path.startsWith('test/') && !path.endsWith('.test.ts') && !path.endsWith('/harness.ts');

/** The row of the table that a file belongs to, with the kind's own name in place of `*`. */
function partOf(path: string): { row: string; folder: string } {
  const [top = '', second = ''] = path.split('/');
  return { row: top === 'triggers' ? 'triggers/*' : `${top}/${second}`, folder: `${top}/${second}` };
}

const isWithin = (path: string, part: string): boolean => path === part || path.startsWith(`${part}/`);

describe('the import table', () => {
  test('covers every file', () => {
    expect(production.map(({ path }) => path).filter((path) => !(partOf(path).row in table))).toEqual([]);
  });

  test('holds for every import inside the project', () => {
    const violations = production.flatMap(({ path, imports }) => {
      const { row, folder } = partOf(path);
      const allowed = [folder, ...(table[row] ?? [])];
      return imports
        .filter((target) => target.startsWith('.'))
        .map((target) => join(path, '..', target))
        .filter((target) => !allowed.some((part) => isWithin(target, part)))
        .map((target) => `${path} imports ${target}`);
    });
    expect(violations).toEqual([]);
  });

  test('is not passed by with absolute or bare paths into the project', () => {
    const own = /^(\/|#|file:|src\/|triggers\/|test\/|trigate$|trigate\/)/;
    const violations = production.flatMap(({ path, imports }) =>
      imports.filter((target) => own.test(target)).map((target) => `${path} imports ${target}`),
    );
    expect(violations).toEqual([]);
  });
});

test('only claim.ts of a kind says that an event is claimed', () => {
  const allowed = /^(src\/domain\/claim\.ts|src\/sdk\.ts|triggers\/[^/]+\/claim\.ts)$/;
  const violations = production.filter(({ path, code }) => /\bmarkClaimed\b/.test(code) && !allowed.test(path));
  expect(violations.map(({ path }) => `${path} uses markClaimed`)).toEqual([]);
});

test('only src/config and the entry of src/cli read the environment', () => {
  const allowed = /^src\/(config\/|cli\/main\.ts$)/;
  const reads = /\bprocess\s*\.\s*env\b|\bprocess\s*\[|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(node:)?process'/;
  const violations = production.filter(({ path, code }) => reads.test(code) && !allowed.test(path));
  expect(violations.map(({ path }) => `${path} reads the environment`)).toEqual([]);
});

test(`no file has more than ${MAX_LINES} lines`, () => {
  const violations = files.filter(({ lines }) => lines > MAX_LINES);
  expect(violations.map(({ path, lines }) => `${path} has ${lines} lines`)).toEqual([]);
});

test('every kind has the same files', async () => {
  const violations: string[] = [];
  for (const kind of await readdir(join(root, 'triggers'), { withFileTypes: true })) {
    if (!kind.isDirectory()) continue;
    const present = await readdir(join(root, 'triggers', kind.name));
    if (present.length === 0) continue;
    for (const file of KIND_FILES) if (!present.includes(file)) violations.push(`triggers/${kind.name} has no ${file}`);
  }
  expect(violations).toEqual([]);
});
