import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '../../triggers/kafka/crc32c.ts';

/** A record batch as it stands in a segment. */
export interface StoredBatch {
  /** Of the file. */
  readonly at: number;
  readonly first: number;
  readonly last: number;
  readonly bytes: Buffer;
}

/** What can be wrong with a batch; the broker serves it all the same, for it looks at none of this. */
export const damages = {
  /** A byte of a record is another one. */
  crc(batch: Buffer): void {
    batch.writeUInt8(batch.readUInt8(batch.length - 1) ^ 0xff, batch.length - 1);
  },
  codec(batch: Buffer): void {
    batch.writeInt16BE(batch.readInt16BE(21) | 7, 21);
    sign(batch);
  },
  /** For a batch that is compressed. */
  compressed(batch: Buffer): void {
    batch.fill(0x5a, 61);
    sign(batch);
  },
  /** It does not say where the next one begins: its broker refuses to read on here. */
  length(batch: Buffer): void {
    batch.writeInt32BE(5, 8);
  },
  /** The first record says that it has a key which is longer than itself. */
  record(batch: Buffer): void {
    const [length, attributes, time, offset] = [varint(batch, 61), 1, 1, 1];
    batch.writeUInt8(0x7e, length + attributes + time + offset);
    sign(batch);
  },
} as const satisfies Record<string, (batch: Buffer) => void>;
export type Damage = keyof typeof damages;

const sign = (batch: Buffer): void => void batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);

/** Where a number of variable length ends. */
function varint(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes.readUInt8(end) >= 0x80) end++;
  return end + 1;
}

/** The first segment of a partition in a broker's data folder, which may be running: what is written is served at once. */
export class Segment {
  readonly #path: string;

  constructor(folder: string, topic: string, partition: number) {
    this.#path = join(folder, `${topic}-${partition}`, '00000000000000000000.log');
  }

  async batches(): Promise<StoredBatch[]> {
    const file = await readFile(this.#path);
    const batches: StoredBatch[] = [];
    for (let at = 0; at + 12 < file.length; ) {
      const bytes = file.subarray(at, at + 12 + file.readInt32BE(at + 8));
      const first = Number(bytes.readBigInt64BE(0));
      batches.push({ at, first, last: first + bytes.readInt32BE(23), bytes });
      at += bytes.length;
    }
    return batches;
  }

  async damage({ at, bytes }: StoredBatch, how: Damage): Promise<void> {
    const damaged = Buffer.from(bytes);
    damages[how](damaged);
    const file = await open(this.#path, 'r+');
    await file.write(damaged, 0, damaged.length, at);
    await file.close();
  }
}
