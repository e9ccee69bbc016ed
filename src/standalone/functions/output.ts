import { openRotatingFile } from './rotating-file.ts';

const KEPT_LINES = 500;

/** What a function printed: the last lines in memory, more of them in a file. Bounded, whatever a function prints. */
export interface Output {
  append(line: string): void;
  /** The last 500, oldest first. */
  lines(): readonly string[];
  close(): Promise<void>;
}

export function openOutput(path: string): Output {
  const file = openRotatingFile(path);
  let kept: string[] = [];
  return {
    append(line) {
      kept.push(line);
      if (kept.length >= 2 * KEPT_LINES) kept = kept.slice(-KEPT_LINES);
      file.write(`${line}\n`);
    },
    lines: () => kept.slice(-KEPT_LINES),
    close: () => file.close(),
  };
}
