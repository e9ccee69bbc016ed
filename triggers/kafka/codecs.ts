import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import snappy from 'snappyjs';

/*
 * kafkajs knows gzip alone, and stops for good at the first record batch in another codec: one foreign producer would
 * silence a consumer. All four of Kafka's codecs stand here.
 */

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

const compressGzip = promisify(gzip);
const decompressGzip = promisify(gunzip);
const compressZstd = promisify(zstdCompress);
const decompressZstd = promisify(zstdDecompress);

/** Kafka's batches are bounded by `message.max.bytes`; what claims to unfold to more than this is an attack. */
const MAX_UNFOLDED_BYTES = 128 * 1024 * 1024;

/** kafkajs has this one too, without a limit. */
const gzipCodec: Codec = {
  compress: ({ buffer }) => compressGzip(buffer),
  decompress: (buffer) => decompressGzip(buffer, { maxOutputLength: MAX_UNFOLDED_BYTES }),
};

const zstdCodec: Codec = {
  compress: ({ buffer }) => compressZstd(buffer),
  decompress: (buffer) => decompressZstd(buffer, { maxOutputLength: MAX_UNFOLDED_BYTES }),
};

const lz4Codec: Codec = {
  compress: ({ buffer }) => compressFrame(buffer),
  decompress: (buffer) => decompressFrame(buffer),
};

const snappyCodec: Codec = {
  compress: async ({ buffer }) => Buffer.from(snappy.compress(buffer)),
  decompress: async (buffer) => unfoldSnappy(buffer),
};

/** Java's producers divide snappy into blocks (xerial's framing); others write it as it is. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

function unfoldSnappy(buffer: Buffer): Buffer {
  if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC))
    return Buffer.from(snappy.uncompress(buffer, MAX_UNFOLDED_BYTES));
  const blocks: Uint8Array[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < buffer.length; ) {
    const length = buffer.readUInt32BE(at);
    blocks.push(snappy.uncompress(buffer.subarray(at + 4, at + 4 + length), MAX_UNFOLDED_BYTES));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

const { GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes;

/** By Kafka's numbers for them. */
const codecs = new Map<number, Codec>([
  [GZIP, gzipCodec],
  [Snappy, snappyCodec],
  [LZ4, lz4Codec],
  [ZSTD, zstdCodec],
]);

/** Undefined: there is no such codec. Rejects where the bytes are none of it, or unfold to too many. */
export const unfold = (codec: number, bytes: Buffer): Promise<Buffer> | undefined =>
  codecs.get(codec)?.decompress(bytes);

/** For what kafkajs encodes and decodes itself. Once per process is enough; again does no harm. */
export function registerCodecs(): void {
  for (const number of [GZIP, Snappy, LZ4, ZSTD] as const) {
    kafkajs.CompressionCodecs[number] = () => codecs.get(number);
  }
}
