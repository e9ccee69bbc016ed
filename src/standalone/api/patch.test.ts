import { describe, expect, test } from 'vitest';
import { functionResource } from '../../domain/function.ts';
import { configMapType } from './core-types.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyPatch, mergePatch } from './patch.ts';

describe('mergePatch', () => {
  // https://www.rfc-editor.org/rfc/rfc7386#appendix-A
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test('changes nothing in place', () => {
    const target = { a: { b: 1 } };
    mergePatch(target, { a: { b: 2 } });
    expect(target).toEqual({ a: { b: 1 } });
  });
});

describe('applyJsonPatch', () => {
  // https://www.rfc-editor.org/rfc/rfc6902#appendix-A
  test.each([
    [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
    [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
    [{ baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    [{ foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
    [{ baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
    [
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [{ baz: 'qux', foo: ['a', 2] }, [{ op: 'test', path: '/foo/1', value: 2 }], { baz: 'qux', foo: ['a', 2] }],
    [{ foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc'] }], { foo: ['bar', ['abc']] }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [
      { '/': 9, '~1': 10 },
      [
        { op: 'test', path: '/~01', value: 10 },
        { op: 'remove', path: '/~1' },
      ],
      { '~1': 10 },
    ],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(applyJsonPatch(target, patch)).toEqual(result);
  });

  test.each([
    ['/b', 'remove'],
    ['/b', 'replace'],
    ['/a/2', 'remove'],
    ['/a/-', 'replace'],
    ['/a/01', 'replace'],
    ['/a/9', 'add'],
    ['/s/x', 'add'],
    ['/x/y', 'add'],
    ['', 'remove'],
  ])('%s cannot be the place to %s', (path, op) => {
    const apply = () => applyJsonPatch({ a: [1, 2], s: 'text' }, [{ op, path, value: 3 }]);
    expect(apply).toThrow(/^the JSON patch does not fit: /);
  });

  test('what is not a patch is refused', () => {
    expect(() => applyJsonPatch({}, { op: 'add' })).toThrow(/must be an array of operations/);
    expect(() => applyJsonPatch({}, [{ op: 'add', path: 'a', value: 1 }])).toThrow(/must start with a slash/);
  });
});

describe('a strategic merge patch', () => {
  const STRATEGIC = 'application/strategic-merge-patch+json';

  test('is a merge patch to core objects, unless it has directives', () => {
    expect(applyPatch(configMapType, STRATEGIC, { data: { a: '1' } }, { data: { b: '2' } })).toEqual({
      data: { a: '1', b: '2' },
    });
    expect(() => applyPatch(configMapType, STRATEGIC, {}, { data: { $patch: 'replace' } })).toThrow(
      /"\$patch" is not supported/,
    );
  });

  test('is not taken for custom resources', () => {
    expect(() => applyPatch(functionResource, STRATEGIC, {}, {})).toThrow(
      /accepted media types include: application\/merge-patch\+json/,
    );
  });
});
