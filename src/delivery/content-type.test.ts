import { expect, test } from 'vitest';
import { detectContentType } from './content-type.ts';

const JSON_TYPE = 'application/json';
const OTHER_TYPE = 'application/x-www-form-urlencoded';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const large = 'x'.repeat(70 * 1024);

test.each([
  ['an object', text('{"a":1}'), JSON_TYPE],
  ['an empty object', text('{}'), JSON_TYPE],
  ['an object with space around', text(' \r\n\t{"a":[1,{"b":null}]}\n '), JSON_TYPE],
  ['null', text('null'), JSON_TYPE],
  ['null with space around', text(' null\n'), JSON_TYPE],
  ['an array', text('[{"a":1}]'), OTHER_TYPE],
  ['a number', text('12'), OTHER_TYPE],
  ['a string', text('"{}"'), OTHER_TYPE],
  ['true', text('true'), OTHER_TYPE],
  ['nothing', text(''), OTHER_TYPE],
  ['space alone', text(' \n '), OTHER_TYPE],
  ['a form', text('a=1&b=2'), OTHER_TYPE],
  ['an object that breaks off', text('{"a":'), OTHER_TYPE],
  ['two objects', text('{}{}'), OTHER_TYPE],
  ['nullable', text('nullable'), OTHER_TYPE],
  ['an object with a comment', text('{/**/}'), OTHER_TYPE],
  ['an object behind a byte order mark', text('\ufeff{}'), OTHER_TYPE],
  ['an object behind a space that JSON does not know', text('\u00a0{}'), OTHER_TYPE],
  [
    "broken UTF-8 in a string, as Go's decoder takes it",
    Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
    JSON_TYPE,
  ],
  ['broken UTF-8 elsewhere', Uint8Array.of(0x7b, 0xff, 0x7d), OTHER_TYPE],
  ['bytes', Uint8Array.of(0, 1, 2, 255), OTHER_TYPE],
  ['nesting without end', text('{"a":'.repeat(10_000)), OTHER_TYPE],
  ['70 KiB of an object', text(`{"a":"${large}"}\n`), JSON_TYPE],
  ['70 KiB that begin as an object', text(`{"a":"${large}"`), OTHER_TYPE],
  ['70 KiB of an array', text(`["${large}"]`), OTHER_TYPE],
  ['70 KiB that begin as null', text(`null${large}`), OTHER_TYPE],
  ['70 KiB of space', text(' '.repeat(70 * 1024)), OTHER_TYPE],
])('%s', (_, data, type) => {
  expect(detectContentType(data)).toBe(type);
});
