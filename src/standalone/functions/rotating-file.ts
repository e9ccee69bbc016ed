import { createWriteStream, fstatSync, mkdirSync, openSync, renameSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';

const MAX_FILE_BYTES = 1 << 20;
const MAX_UNWRITTEN_BYTES = 1 << 20;

/** A text file that is renamed to `<path>.1` when it has grown to 1 MiB. Never throws, never holds up who writes. */
export interface RotatingFile {
  /** Left out when the disk does not keep up or does not take it. */
  write(text: string): void;
  close(): Promise<void>;
}

/** Opened at the first write. */
export function openRotatingFile(path: string): RotatingFile {
  let stream: WriteStream | undefined;
  let size = 0;

  function open(): WriteStream {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(path, 'a');
    size = fstatSync(fd).size;
    return createWriteStream(path, { fd }).on('error', () => {});
  }

  function append(text: string): void {
    stream ??= open();
    if (stream.writableLength > MAX_UNWRITTEN_BYTES) return;
    stream.write(text);
    size += Buffer.byteLength(text);
    if (size < MAX_FILE_BYTES) return;
    stream.end(); // what is not written yet follows the open file to its new name
    stream = undefined;
    renameSync(path, `${path}.1`);
  }

  return {
    write(text) {
      try {
        append(text);
      } catch {
        // A full or read-only disk must not stop the gateway.
      }
    },
    close: () =>
      new Promise((resolve) => (stream === undefined || stream.destroyed ? resolve() : stream.end(() => resolve()))),
  };
}
