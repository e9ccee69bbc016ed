import type { IHeaders, KafkaMessage } from 'kafkajs';
import { asError } from '../../src/sdk.ts';
import { crc32c } from './crc32c.ts';

/*
 * The record batches of a fetch answer, decoded so that what is broken costs only itself. kafkajs checks no CRC, takes an
 * unknown codec for none, and reads beyond the end of a record; what it notices ends its consumer for good.
 *
 *   batch   0 base offset · 8 length of what follows · 12 leader epoch · 16 magic · 17 CRC-32C of what follows · 21 attributes
 *           23 last offset − base · 27 first time · 35 last time · 43 producer · 57 number of records · 61 records, maybe
 *           compressed (https://kafka.apache.org/documentation/#recordbatch)
 *   record  length · attributes · time − first time · offset − base · key · value · headers; all numbers of variable length
 */

/** As kafkajs hands it on, without what nobody reads. */
export interface DecodedRecord extends Pick<KafkaMessage, 'key' | 'value' | 'timestamp' | 'attributes' | 'offset'> {
  readonly headers: IHeaders;
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
}

/** What kafkajs needs to leave out records of transactions that were aborted. */
interface BatchContext {
  readonly producerId: string;
  readonly inTransaction: boolean;
}

/**
 * Offsets that hold nothing that can be decoded. Stands among the records of a batch; to kafkajs it is a record at the last
 * of them.
 */
export class Unreadable implements DecodedRecord {
  readonly first: number;
  readonly last: number;
  readonly cause: string;
  readonly offset: string;
  readonly batchContext: BatchContext;
  readonly timestamp = '0';
  readonly attributes = 0;
  readonly key = null;
  readonly value = null;
  readonly headers: IHeaders = {};
  readonly isControlRecord = false;

  constructor(first: number, last: number, cause: string, batchContext: BatchContext = NO_TRANSACTION) {
    this.first = first;
    this.last = last;
    this.cause = cause;
    this.offset = String(last);
    this.batchContext = batchContext;
  }
}

/** Of a codec by Kafka's number for it. Undefined: there is no such codec. */
export type Unfold = (codec: number, bytes: Buffer) => Promise<Buffer> | undefined;

/** Before the part that `length` counts. */
export const LENGTH_END = 12;
export const MAGIC_AT = 16;
const CRC_AT = 17;
const CRC_START = 21;
const RECORDS_AT = 61;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Of one record: functions get fewer, and thousands in each would hold up the process. */
const MAX_RECORD_HEADERS = 256;
const NO_TRANSACTION: BatchContext = { producerId: '-1', inTransaction: false };

interface Batch extends BatchContext {
  readonly base: number;
  readonly last: number;
  readonly attributes: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly count: number;
}

/**
 * Decodes one batch. Never rejects.
 * @param bytes the whole of it, from its base offset on
 * @param next the base offset of the batch behind it, where that is known
 */
export async function decodeBatch(
  bytes: Buffer,
  next: number | undefined,
  unfold: Unfold,
): Promise<readonly DecodedRecord[]> {
  const base = Number(bytes.readBigInt64BE(0));
  if (bytes.length < RECORDS_AT) return [new Unreadable(base, lastOf(base, 0, -1, next), 'a batch is too short')];
  const batch = headerOf(bytes, base);
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(CRC_START))) {
    return [new Unreadable(base, lastOf(base, batch.last - base, batch.count, next), 'the CRC of a batch is wrong')];
  }
  try {
    return decodeRecords(await unfolded(bytes.subarray(RECORDS_AT), batch.attributes & CODEC_MASK, unfold), batch);
  } catch (error) {
    return [new Unreadable(base, batch.last, asError(error).message, batch)];
  }
}

/**
 * Takes offsets that cannot be right out of what was decoded: those at or beyond what comes behind them, or beyond the end of
 * the partition. Where a batch begins is not covered by its CRC, and nothing of a header whose CRC is wrong can be believed.
 * What lies there instead is unreadable.
 * @param end one more than the last offset there is
 */
export function corrected(records: readonly DecodedRecord[], end: number): readonly DecodedRecord[] {
  const backwards: DecodedRecord[] = [];
  let bound = end;
  let cause: string | undefined;
  const closeGap = (first: number) => {
    if (cause !== undefined && first < bound) backwards.push(new Unreadable(first, bound - 1, cause));
    cause = undefined;
  };
  for (const record of records.toReversed()) {
    const isUnreadable = record instanceof Unreadable;
    const first = isUnreadable ? record.first : Number(record.offset);
    if (first >= bound) {
      cause ??= isUnreadable ? record.cause : 'the offset of a batch cannot be right';
      continue;
    }
    const last = Math.min(isUnreadable ? record.last : first, bound - 1);
    closeGap(last + 1);
    backwards.push(isUnreadable ? new Unreadable(first, last, record.cause, record.batchContext) : record);
    bound = first;
  }
  closeGap(0);
  return backwards.reverse();
}

/**
 * The last offset of a batch whose header cannot be trusted. What it says itself, where it fits its number of records and
 * the batch behind it; else up to that batch, for no offset may go by without a count.
 */
function lastOf(base: number, delta: number, count: number, next: number | undefined): number {
  const own = base + Math.max(0, delta);
  if (next === undefined || next <= base) return own;
  return delta + 1 === count && own < next ? own : next - 1;
}

function headerOf(bytes: Buffer, base: number): Batch {
  const attributes = bytes.readInt16BE(21);
  return {
    base,
    last: base + bytes.readInt32BE(23),
    attributes,
    firstTime: Number(bytes.readBigInt64BE(27)),
    lastTime: Number(bytes.readBigInt64BE(35)),
    producerId: String(bytes.readBigInt64BE(43)),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
    count: bytes.readInt32BE(57),
  };
}

function unfolded(bytes: Buffer, codec: number, unfold: Unfold): Promise<Buffer> | Buffer {
  if (codec === 0) return bytes;
  const found = unfold(codec, bytes);
  if (found === undefined) throw new Error(`codec ${codec} is not known`);
  return found;
}

/** A record that is broken inside leaves those around it as they are, for each says how long it is. */
function decodeRecords(bytes: Buffer, batch: Batch): readonly DecodedRecord[] {
  const records: DecodedRecord[] = [];
  const cursor = new Cursor(bytes, 0, bytes.length);
  let expected = batch.base;
  let broken: string | undefined;
  const closeGap = (next: number) => {
    if (broken !== undefined && next > expected) records.push(new Unreadable(expected, next - 1, broken, batch));
    broken = undefined;
  };
  for (let left = batch.count; left > 0; left--) {
    try {
      const record = decodeRecord(cursor.part(cursor.int()), batch);
      const offset = Number(record.offset);
      if (offset < expected || offset > batch.last) throw new Error('the offset of a record is not in its batch');
      closeGap(offset);
      records.push(record);
      expected = offset + 1;
    } catch (error) {
      broken = asError(error).message;
      if (cursor.isOver) break;
    }
  }
  if (!cursor.isOver) broken ??= 'a batch holds more than its number of records';
  closeGap(batch.last + 1);
  return records;
}

function decodeRecord(record: Cursor, batch: Batch): DecodedRecord {
  const attributes = record.byte();
  const time = batch.firstTime + record.int();
  const offset = String(batch.base + record.int());
  const key = record.bytes();
  const value = record.bytes();
  return {
    attributes,
    timestamp: String((batch.attributes & LOG_APPEND_TIME) !== 0 ? batch.lastTime : time),
    offset,
    key,
    value,
    headers: decodeHeaders(record),
    isControlRecord: (batch.attributes & CONTROL) !== 0,
    batchContext: batch,
  };
}

const NO_HEADERS: IHeaders = Object.freeze({});

function decodeHeaders(record: Cursor): IHeaders {
  const count = record.int();
  if (count < 0) throw new Error('the number of headers of a record is negative');
  if (count === 0) return NO_HEADERS;
  // Without a prototype: a header may be called __proto__.
  const headers: IHeaders = Object.create(null);
  for (let left = Math.min(count, MAX_RECORD_HEADERS); left > 0; left--) {
    const name = record.bytes()?.toString('utf8') ?? '';
    const value = record.bytes() ?? undefined;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (value !== undefined) headers[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers;
}

const MAX_VARINT_BYTES = 10;

/** Reads a stretch of a buffer, and throws at its end. */
class Cursor {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.#buffer = buffer;
    this.#at = at;
    this.#end = end;
  }

  get isOver(): boolean {
    return this.#at >= this.#end;
  }

  byte(): number {
    if (this.#at >= this.#end) throw this.#short();
    return this.#buffer[this.#at++] ?? 0;
  }

  /** ZigZag, seven bits in a byte. Exact up to 2^53. */
  int(): number {
    let value = 0;
    let scale = 1;
    for (let read = 0; read < MAX_VARINT_BYTES; read++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw new Error('a number in a record has no end');
  }

  /** With their length before them; null: none. */
  bytes(): Buffer | null {
    const length = this.int();
    if (length < 0) return null;
    const from = this.#at;
    this.#skip(length);
    return this.#buffer.subarray(from, this.#at);
  }

  /** The next bytes, to be read apart. */
  part(length: number): Cursor {
    const from = this.#at;
    this.#skip(length);
    return new Cursor(this.#buffer, from, this.#at);
  }

  #skip(length: number): void {
    if (length < 0 || length > this.#end - this.#at) throw this.#short();
    this.#at += length;
  }

  /** Nothing behind it can be told apart any more. */
  #short(): Error {
    this.#at = this.#end;
    return new Error('a record ends before its fields');
  }
}
