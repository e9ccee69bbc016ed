import { readFileSync } from 'node:fs';
import { openRotatingFile } from './rotating-file.ts';

const KEPT_LINES = 500;

/** What a function printed: the last lines in memory, more of them in a file. Bounded, whatever a function prints. */
export interface Output extends OutputReader {
  append(line: string): void;
  /** Readers are told that no more will come. */
  close(): Promise<void>;
}

export interface OutputReader {
  /** The last 500, oldest first. */
  lines(): readonly string[];
  /** Calls back for each line that comes, and once when no more will. The answer ends it. */
  follow(reader: LineReader): () => void;
}

export interface LineReader {
  onLine(line: string): void;
  onEnd(): void;
}

/** Goes on with what an earlier gateway kept in the file. */
export function openOutput(path: string): Output {
  const file = openRotatingFile(path);
  const readers = new Set<LineReader>();
  let kept = linesOf(path);
  return {
    append(line) {
      kept.push(line);
      if (kept.length >= 2 * KEPT_LINES) kept = kept.slice(-KEPT_LINES);
      file.write(`${line}\n`);
      for (const reader of [...readers]) reader.onLine(line);
    },
    lines: () => kept.slice(-KEPT_LINES),
    follow(reader) {
      readers.add(reader);
      return () => readers.delete(reader);
    },
    async close() {
      for (const reader of [...readers]) reader.onEnd();
      readers.clear();
      await file.close();
    },
  };
}

/** The file has 1 MiB at most. */
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1).slice(-KEPT_LINES);
  } catch {
    return []; // there is none yet
  }
}
