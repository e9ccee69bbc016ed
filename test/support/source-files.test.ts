import { expect, test } from 'vitest';
import { read } from './source-files.ts';

const importsOf = (text: string) => read('a.ts', text).imports;

test('every form of import is seen', () => {
  const text = `import a from './a.ts';
import type { B } from "./b.ts";
import {
  c,
} from './c.ts';
import './d.ts';
export * from './e.ts';
export { f } from './f.ts';
const g = await import('./g.ts');
let h: import('./h.ts').H;`;
  expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `./${name}.ts`));
});

test('comments are no imports, and an address in a string is no comment', () => {
  const text = `// import './a.ts'
/* export * from './b.ts' */
const url = 'http://example.org'; import './c.ts';`;
  expect(importsOf(text.replace('; import', ';\nimport'))).toEqual(['./c.ts']);
});

test('lines are counted without the last line break', () => {
  expect(read('a.ts', 'a\nb\n').lines).toBe(2);
});
