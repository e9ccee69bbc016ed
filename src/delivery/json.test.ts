import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isJson } from './json.ts';

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(bytes).toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const numbers = ['0', '-0', '12', '0.5', '-1.25e10', '1E+2', '1e-2', '01', '-', '+1', '.5', '1.', '1e', '1e+', '0x1'];
const strings = [
  '""',
  '"a b"',
  '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '"\\u00e9\\uD800"',
  '"\\u00g0"',
  '"\\u00e"',
  '"\\x41"',
  '"\\',
  '"\t"',
  '"\x7f\x80\xff"',
  '"',
  "'a'",
];
const others = [
  'true',
  'tru',
  'trueish',
  'false',
  'null',
  'NaN',
  'Infinity',
  'undefined',
  '',
  ' ',
  '\x00',
  '\xa0',
  '\v',
];
const scalars = [...numbers, ...strings, ...others];
const around = (inner: string): string[] => [
  inner,
  ` \n\r\t${inner} \n`,
  `[${inner}]`,
  `[ ${inner} , ${inner} ]`,
  `[${inner},]`,
  `[,${inner}]`,
  `[${inner} ${inner}]`,
  `[${inner}`,
  `${inner}]`,
  `[${inner}}`,
  `{"a":${inner}}`,
  `{ "a" : ${inner} , "b" : [ ${inner} , {} ] }`,
  `{"a":${inner},}`,
  `{,"a":${inner}}`,
  `{"a" ${inner}}`,
  `{"a":,${inner}}`,
  `{a:${inner}}`,
  `{${inner}:1}`,
  `{"a":${inner}]`,
  `{"a":${inner}`,
  `{"a":${inner}}${inner}`,
  `/**/${inner}`,
];

test.each(scalars)('says what JSON.parse says of %j, alone and in anything', (scalar) => {
  for (const text of around(scalar)) expect([text, isJson(bytesOf(text))]).toEqual([text, parses(bytesOf(text))]);
});

test('says what JSON.parse says of any value, written in any way', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      expect(isJson(Buffer.from(JSON.stringify(value, null, space)))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('says what JSON.parse says of a value in which some bytes are others', () => {
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[],:"\\ue0-+.1tfn \n\0\x80\xff', 'latin1')), fc.nat(255));
  const change = fc.record({ at: fc.nat(), drop: fc.nat(3), put: fc.array(byte, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(change, { minLength: 1, maxLength: 3 }), (value, changes) => {
      const bytes = [...Buffer.from(JSON.stringify(value))];
      for (const { at, drop, put } of changes) bytes.splice(at % (bytes.length + 1), drop, ...put);
      const changed = Uint8Array.from(bytes);
      expect(isJson(changed)).toBe(parses(changed));
    }),
    { numRuns: 20_000 },
  );
});

test.each([
  ['arrays', '[', ']'],
  ['objects', '{"a":', '}'],
])('nesting takes no stack: 100,000 %s', (_, open, close) => {
  expect(isJson(bytesOf(`${open.repeat(100_000)}1${close.repeat(100_000)}`))).toBe(true);
  expect(isJson(bytesOf(open.repeat(100_000)))).toBe(false);
});
