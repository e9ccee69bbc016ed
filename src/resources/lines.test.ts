import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLines } from './lines.ts';

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
async function collect(chunks: readonly Uint8Array[], limit = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(stream(chunks), limit)) lines.push(line);
  return lines;
}

test('lines come out whole, however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('ä€', 'x', '{"a":"b"}', '😀z')),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(await collect(chunks)).toEqual(lines);
      },
    ),
  );
});

test('empty lines and a last line that was cut off are left out', async () => {
  expect(await collect([Buffer.from('a\n\n\r\nb\nhal')])).toEqual(['a', 'b']);
});

test('a line over the limit is refused before its end has come', async () => {
  const endless = Array.from({ length: 5 }, () => Buffer.alloc(30, 'x'));
  await expect(collect(endless, 100)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  await expect(collect([Buffer.from(`${'x'.repeat(101)}\n`)], 100)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});
