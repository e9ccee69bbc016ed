import { TrigateError } from '../domain/errors.ts';

const NEWLINE = 0x0a;

/**
 * Splits a byte stream into lines; empty ones are left out. A last line without a newline was cut off and is left out too.
 * @param limit bytes that one line may have
 * @throws TrigateError TOO_LARGE for a longer one: it is never held in memory
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      pending.push(chunk.subarray(start, end));
      assertFits(size + end - start, limit);
      const line = Buffer.concat(pending).toString('utf8');
      pending = [];
      size = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    pending.push(chunk.subarray(start));
    size += chunk.length - start;
    assertFits(size, limit);
  }
}

function assertFits(size: number, limit: number): void {
  if (size <= limit) return;
  throw new TrigateError('TOO_LARGE', `A line of the stream has more than ${limit} bytes.`);
}
