import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { registerCodecs } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import { decodeRecordSet as decode, parseWith } from './decoding.ts';
import { type DecodedRecord, Unreadable } from './records.ts';

const require = createRequire(import.meta.url);
const encoded = z.object({ buffer: z.instanceof(Buffer) });
const encoder = z.custom<(options: object) => object>((value) => typeof value === 'function');
const { RecordBatch } = z.object({ RecordBatch: encoder }).parse(require('kafkajs/src/protocol/recordBatch/v0'));
const Record = encoder.parse(require('kafkajs/src/protocol/recordBatch/record/v0'));
registerCodecs();

const decodeRecordSet = async (bytes: Buffer) => (await decode(bytes)) ?? [];

const NONE = 0;
const CODECS = { none: NONE, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };

interface Written {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: object;
}

/** A batch as kafkajs' producer writes it, at offsets from `base` on. */
async function batchOf(records: readonly Written[], base = 0, compression = NONE): Promise<Buffer> {
  const batch = await RecordBatch({
    compression,
    firstOffset: base,
    firstTimestamp: 1_000,
    maxTimestamp: 1_000 + records.length,
    lastOffsetDelta: records.length - 1,
    records: records.map((record, i) => Record({ headers: {}, ...record, offsetDelta: i, timestampDelta: i })),
  });
  return encoded.parse(batch).buffer;
}

const numbered = (count: number): Written[] =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));

/** Changes bytes of the part that the CRC covers, and puts the right CRC over them. */
function forged(batch: Buffer, change: (covered: Buffer) => void): Buffer {
  const copy = Buffer.from(batch);
  change(copy.subarray(21));
  copy.writeUInt32BE(crc32c(copy.subarray(21)), 17);
  return copy;
}

const seen = (records: readonly DecodedRecord[]) =>
  records.map((record) =>
    record instanceof Unreadable ? `invalid ${record.first}-${record.last}` : `${record.offset} ${record.value}`,
  );

/** What comes of a fetch answer whose partition ends there. */
async function told(batches: Buffer, end: number): Promise<string[]> {
  const partition = {
    partition: 0,
    errorCode: 0,
    highWatermark: String(end),
    messages: await decodeRecordSet(batches),
  };
  const answer = { responses: [{ topicName: 'orders', partitions: [partition] }] };
  await parseWith(async (parsed) => parsed)(answer);
  return seen(partition.messages);
}

/** Every offset that a decoded batch speaks of, in order. */
const covered = (records: readonly DecodedRecord[]): number[] =>
  records.flatMap((record) =>
    record instanceof Unreadable
      ? Array.from({ length: record.last - record.first + 1 }, (_, i) => record.first + i)
      : [Number(record.offset)],
  );

describe('a batch', () => {
  const bytes = fc.option(fc.string({ maxLength: 300 }), { nil: null });
  const written = fc.record({
    key: bytes,
    value: bytes,
    headers: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 50 }), { maxKeys: 5 }),
  });

  test.each(Object.entries(CODECS))('is read as it was written (%s)', async (_, codec) => {
    const property = fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 40 }), async (records) => {
      const read = await decodeRecordSet(await batchOf(records, 7, codec));
      expect(read.map(({ offset, timestamp }) => [offset, timestamp])).toEqual(
        records.map((_, i) => [String(7 + i), String(1_000 + i)]),
      );
      expect(
        read.map(({ key, value, headers }) => ({
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          headers: Object.entries(headers).map(([name, each]) => [name, String(each)]),
        })),
      ).toEqual(records.map(({ key, value, headers }) => ({ key, value, headers: Object.entries(headers) })));
    });
    await fc.assert(property, { numRuns: 50 });
  });

  test('keeps the first 256 headers of a record, and several values of one name', async () => {
    const named = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, `${i}`]));
    const [many, twice] = await decodeRecordSet(
      await batchOf([
        { key: null, value: 'v', headers: named(2_000) },
        { key: null, value: 'v', headers: { a: ['1', '2', '3'], __proto__x: 'y' } },
      ]),
    );
    expect(Object.keys(many?.headers ?? {})).toEqual(Object.keys(named(256)));
    expect(String(twice?.headers.a)).toBe('1,2,3');
  });

  test('that is cut off at the end is left for the next fetch', async () => {
    const whole = Buffer.concat([await batchOf(numbered(2)), await batchOf(numbered(3), 2)]);
    expect(seen(await decodeRecordSet(whole.subarray(0, whole.length - 1)))).toEqual(['0 v0', '1 v1']);
  });

  test('in front whose length cannot be right makes all unreadable: nobody can say what comes behind it', async () => {
    const batch = await batchOf(numbered(2));
    batch.writeInt32BE(batch.length, 8);
    expect(await decode(batch)).toBeUndefined();
  });
});

test('messages of the format before batches are read, and one that is cut off or broken costs itself alone', async () => {
  const MessageSet = encoder.parse(require('kafkajs/src/protocol/messageSet'));
  const entries = numbered(3).map((message, offset) => ({ ...message, offset, timestamp: 5 }));
  const old = encoded.parse(MessageSet({ messageVersion: 1, entries })).buffer;
  expect(seen(await decodeRecordSet(old))).toEqual(['0 v0', '1 v1', '2 v2']);
  const size = old.length / 3;
  const broken = Buffer.from(old);
  // The length of the second one's key: behind offset, length, CRC, magic, attributes and time.
  broken.writeInt32BE(1_000_000, size + 8 + 4 + 4 + 1 + 1 + 8);
  const read = await decodeRecordSet(broken);
  expect(read.length).toBe(3);
  expect(seen(read).filter((each) => !each.startsWith('1 '))).toEqual(expect.arrayContaining(['0 v0', '2 v2']));
});

describe('what is broken costs only itself', () => {
  const between = async (broken: Buffer) =>
    Buffer.concat([await batchOf(numbered(2)), broken, await batchOf(numbered(2), 5)]);
  const expected = ['0 v0', '1 v1', 'invalid 2-4', '5 v0', '6 v1'];

  test('a CRC that does not fit', async () => {
    const batch = await batchOf(numbered(3), 2);
    batch.writeUInt8(batch.readUInt8(batch.length - 2) ^ 1, batch.length - 2);
    expect(seen(await decodeRecordSet(await between(batch)))).toEqual(expected);
  });

  test('a header that lies about its offsets', async () => {
    const batch = await batchOf(numbered(3), 2);
    for (const delta of [-5, 0, 1_000_000]) {
      batch.writeInt32BE(delta, 23);
      expect(seen(await decodeRecordSet(await between(batch)))).toEqual(expected);
    }
  });

  test('a codec that nobody knows', async () => {
    const batch = forged(await batchOf(numbered(3), 2), (bytes) => bytes.writeInt16BE(7, 0));
    expect(seen(await decodeRecordSet(await between(batch)))).toEqual(expected);
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('bytes that are no %s', async (codec) => {
    const batch = forged(await batchOf(numbered(3), 2, CODECS[codec]), (bytes) => bytes.fill(0x5a, 40));
    expect(seen(await decodeRecordSet(await between(batch)))).toEqual(expected);
  });

  test('one record: those around it are read', async () => {
    const batch = await batchOf(numbered(3), 2);
    const at = batch.indexOf('k1');
    // The length of its key.
    const broken = forged(batch, (bytes) => bytes.writeUInt8(0x7e, at - 21 - 1));
    const read = seen(await decodeRecordSet(await between(broken)));
    expect(read).toEqual(['0 v0', '1 v1', '2 v0', 'invalid 3-3', '4 v2', '5 v0', '6 v1']);
  });

  test('a record whose own length is broken takes those behind it in its batch along', async () => {
    const batch = await batchOf(numbered(3), 2);
    const at = batch.indexOf('k1');
    const broken = forged(batch, (bytes) => bytes.writeUInt8(0x7e, at - 21 - 5));
    const read = seen(await decodeRecordSet(await between(broken)));
    expect(read).toEqual(['0 v0', '1 v1', '2 v0', 'invalid 3-4', '5 v0', '6 v1']);
  });

  test('a header that names offsets which nobody has written yet is believed up to the end of the partition', async () => {
    const batch = await batchOf(numbered(3), 2);
    expect(await told(batch, 5)).toEqual(['2 v0', '3 v1', '4 v2']);
    // The CRC does not fit.
    const broken = Buffer.from(batch);
    broken.writeInt32BE(15, 23);
    expect(await told(broken, 40)).toEqual(['invalid 2-17']);
    expect(await told(broken, 5)).toEqual(['invalid 2-4']);
  });

  test('where a batch says that it begins is not covered by its CRC: it ends no others', async () => {
    const lying = Buffer.from(await batchOf(numbered(3), 5));
    lying.writeBigInt64BE(900n, 0);
    const torn = Buffer.from(lying);
    torn.writeUInt8(1, 17);
    const before = await batchOf(numbered(3), 2);
    const behind = await batchOf(numbered(2), 8);
    for (const batch of [lying, torn]) {
      expect(await told(Buffer.concat([before, batch, behind]), 10)).toEqual([
        ...['2 v0', '3 v1', '4 v2'],
        'invalid 5-7',
        ...['8 v0', '9 v1'],
      ]);
    }
    expect(await told(Buffer.concat([before, torn]), 8)).toEqual(['2 v0', '3 v1', '4 v2', 'invalid 5-7']);
    expect(await told(torn, 8)).toEqual(['invalid 0-7']);
    expect(await told(Buffer.concat([torn, lying, torn, behind]), 10)).toEqual(['invalid 0-7', '8 v0', '9 v1']);
  });

  test('a record that lies beyond the end that was told is read: the end was looked up before', async () => {
    expect(await told(await batchOf(numbered(3), 2), 4)).toEqual(['2 v0', '3 v1', '4 v2']);
  });

  test.each(Object.entries(CODECS))(
    'any bytes, with a CRC that fits: each offset is told once (%s)',
    async (_, codec) => {
      const records = numbered(20);
      const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
        minLength: 1,
      });
      const property = fc.asyncProperty(flips, async (changes) => {
        const broken = forged(await batchOf(records, 10, codec), (bytes) => {
          // The records and their number; not what says which offsets they have.
          for (const [where, value] of changes) bytes.writeUInt8(value, 36 + Math.floor(where * (bytes.length - 36)));
        });
        const offsets = covered(await decodeRecordSet(broken));
        expect(new Set(offsets).size).toBe(offsets.length);
        expect(offsets.toSorted((a, b) => a - b)).toEqual(offsets);
        expect(offsets.every((offset) => offset >= 10 && offset < 30)).toBe(true);
      });
      await fc.assert(property, { numRuns: 300 });
    },
  );
});
