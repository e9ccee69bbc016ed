import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import snappy from 'snappyjs';

/*
 * kafkajs knows gzip alone, and stops for good at the first record batch in another codec: one foreign producer would
 * silence a consumer. The other three of Kafka's codecs are registered here.
 */

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

const compressZstd = promisify(zstdCompress);
const decompressZstd = promisify(zstdDecompress);

/** Kafka's batches are bounded by `message.max.bytes`; what claims to unfold to more than this is an attack. */
const MAX_UNFOLDED_BYTES = 256 * 1024 * 1024;

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

/** Once per process is enough; again does no harm. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.Snappy] = () => snappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4Codec;
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstdCodec;
}
