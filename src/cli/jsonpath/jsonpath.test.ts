import { describe, expect, it } from 'vitest';
import { fillTemplate } from './evaluate.ts';
import { parseTemplate } from './template.ts';

const document = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { 'app.io/x': 'one' } }, spec: { n: 1, on: true } },
    { metadata: { name: 'b', labels: {} }, spec: { n: 2, list: [1, 'two'] } },
    { metadata: { name: 'c' }, spec: { n: 3 } },
  ],
};

const filled = (template: string) => fillTemplate(parseTemplate(template), document);

describe('a template', () => {
  // What kubectl 1.34 prints for the same: test/integration/cli/kubectl.test.ts.
  it.each([
    ['{.kind}', 'List'],
    ['{kind}', 'List'],
    ['.kind', 'List'],
    ['kind', 'List'],
    ['{$.kind}', 'List'],
    ['{.items[*].metadata.name}', 'a b c'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'c'],
    ['{.items[-1:].metadata.name}', 'c'],
    ['{.items[0:2].metadata.name}', 'a b'],
    ['{.items[0:3:2].metadata.name}', 'a c'],
    ['{.items[0,2].metadata.name}', 'a c'],
    ["{.items[0]['metadata','spec'].name}", 'a'],
    ['{..name}', 'a b c'],
    ['{.items[0].metadata.labels.app\\.io/x}', 'one'],
    ["{.items[0].metadata.labels['app\\.io/x']}", 'one'],
    ['{.items[?(@.spec.n>1)].metadata.name}', 'b c'],
    ['{.items[?(@.metadata.name=="b")].spec.n}', '2'],
    ["{.items[?(@.metadata.name!='b')].spec.n}", '1 3'],
    ['{.items[?(@.spec.on==true)].metadata.name}', 'a'],
    ['{.items[?(@.spec.list)].metadata.name}', 'b'],
    ['{.items[1].spec}', '{"n":2,"list":[1,"two"]}'],
    ['{.nothing}', ''],
    ['n: {.kind}!', 'n: List!'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.n}{"\\n"}{end}', 'a\t1\nb\t2\nc\t3\n'],
    ['{range .items[*]}{.metadata.name}={$.kind} {end}', 'a=List b=List c=List '],
    ['{.kind}{"\\n"}', 'List\n'],
  ])('%s', (template, text) => {
    expect(filled(template)).toBe(text);
  });

  it.each(['{.a', '{.items[}', '{range .items[*]}x', '{end}', '{.items[?(]}', '{.items[0:1:0]}', '{?}'])(
    '%s is refused in a sentence',
    (template) => {
      expect(() => filled(template)).toThrow(/^The JSONPath template is invalid: .+, at character \d+ of/);
    },
  );
});
