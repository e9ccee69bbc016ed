/**
 * The words of a flag that takes a list: commas separate, and a word in double quotes may hold some, as in CSV
 * (`"A=1,2",B=3`).
 */
export function splitList(text: string): string[] {
  const words = text.match(/(?:^|,)(?:"(?:[^"]|"")*"(?=,|$)|[^,]*)/g) ?? [];
  return words
    .map((word, i) => (i === 0 ? word : word.slice(1)))
    .map((word) => (/^".*"$/s.test(word) ? word.slice(1, -1).replaceAll('""', '"') : word))
    .filter((word) => word !== '');
}

/** `a=1` or `a:1`, whichever comes first; a word with neither is a name without a value. */
export function keyValue(word: string): readonly [string, string] {
  const at = word.search(/[=:]/);
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}

export const keyValues = (words: readonly string[]): (readonly [string, string])[] => words.map(keyValue);
