import { describe, expect, test } from 'vitest';
import { attributeText, fieldText } from './header-text.ts';

describe('the value of an attribute', () => {
  test.each([
    ['plain ~!#$&()*+,-./:;<=>?@[]^_`{|}', 'plain ~!#$&()*+,-./:;<=>?@[]^_`{|}'],
    ['a\r\nx-evil: 1', 'a%0D%0Ax-evil: 1'],
    ['nul\0 and tab\t and del\x7f', 'nul%00 and tab%09 and del%7F'],
    ['say "hi" for 100%', 'say %22hi%22 for 100%25'],
    ['käse', 'k%C3%A4se'],
    ['\u0080\u00ff', '%C2%80%C3%BF'],
    ['日本 🚀', '%E6%97%A5%E6%9C%AC %F0%9F%9A%80'],
    ['lone \ud83d here', 'lone %EF%BF%BD here'],
    ['lone \ude80', 'lone %EF%BF%BD'],
    ['', ''],
  ])('%j is sent as %s', (value, expected) => {
    expect(attributeText(value)).toBe(expected);
  });
});

describe('the value of a header with a syntax of its own', () => {
  test.each([
    ['multipart/form-data; boundary="a b"; q="50%"', 'multipart/form-data; boundary="a b"; q="50%"'],
    ['a\r\nx-evil: 1', 'a%0D%0Ax-evil: 1'],
    ['nul\0 and tab\t and del\x7f', 'nul%00 and tab%09 and del%7F'],
    ['"käse"', '"k%C3%A4se"'],
    ['lone \ud83d here', 'lone %EF%BF%BD here'],
    ['', ''],
  ])('%j is sent as %s', (value, expected) => {
    expect(fieldText(value)).toBe(expected);
  });
});
