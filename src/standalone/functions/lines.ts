import type { Readable } from 'node:stream';

const MAX_LINE_LENGTH = 4_096;

/** Calls back for every line of a stream; a longer one than 4,096 characters comes in pieces. */
export function followLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(inPieces);
    if (rest.length < MAX_LINE_LENGTH) return;
    inPieces(rest);
    rest = '';
  });
  stream.on('end', () => {
    if (rest !== '') inPieces(rest);
  });

  function inPieces(line: string): void {
    onLine(line.slice(0, MAX_LINE_LENGTH));
    for (let at = MAX_LINE_LENGTH; at < line.length; at += MAX_LINE_LENGTH) {
      onLine(line.slice(at, at + MAX_LINE_LENGTH));
    }
  }
}
