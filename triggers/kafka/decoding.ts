import { createRequire } from 'node:module';
import { asError } from '../../src/sdk.ts';
import { unfold } from './codecs.ts';
import { corrected, type DecodedRecord, decodeBatch, LENGTH_END, MAGIC_AT, Unreadable } from './records.ts';

/*
 * Where kafkajs decodes the records of a fetch answer, it is given `records.ts` instead. Messages of the formats before
 * Kafka 0.11 it decodes itself, one at a time.
 */

// CommonJS inside of kafkajs, which has no types.
const require = createRequire(import.meta.url);

const FETCH = 'kafkajs/src/protocol/requests/fetch';
/** Those that have record batches; each has its own decoder of answers. */
const FETCH_VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11];
const BATCH_MAGIC = 2;
/** The smallest message of the oldest format, without what stands before its length. */
const LEAST_LENGTH = 14;
/**
 * Of one partition in one fetch: when compressed batches have unfolded to this, the rest is fetched again. A fetch of many
 * megabytes may unfold to many times of that.
 */
const MAX_UNFOLDED_BYTES = 32 * 1024 * 1024;

interface Decoder {
  readInt32(): number;
  canReadBytes(length: number): boolean;
  readBytes(length: number): Buffer;
}

/** `CORRUPT_MESSAGE`: the broker finds no batch at the offset that was asked for. */
const CORRUPT = 2;

interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  messages: readonly DecodedRecord[];
}

type Parse = (answer: FetchAnswer) => Promise<unknown>;

/** Behind the position of a partition stands nothing that can be read, neither now nor, unless it is repaired, later. */
export class UnreadablePartition extends Error {
  override readonly name = 'UnreadablePartition';
  readonly topic: string;
  readonly partition: number;

  constructor(topic: string, partition: number) {
    super(`partition ${partition} of ${topic} cannot be read at its position: what is stored there is no batch`);
    this.topic = topic;
    this.partition = partition;
  }
}

/** Takes over the decoding, once per process and before the first fetch. */
export function patchDecoding(): void {
  const path = require.resolve(`${FETCH}/v4/decodeMessages`);
  require(path);
  const module = require.cache[path];
  if (module === undefined || module.exports === decodeMessages) return;
  module.exports = decodeMessages;
  for (const version of FETCH_VERSIONS) {
    const response = require.resolve(`${FETCH}/v${version}/response`);
    // One that was loaded before holds the old one. kafkajs asks for it anew for each request.
    delete require.cache[response];
    const loaded = require(response) as { parse: Parse };
    loaded.parse = parseWith(loaded.parse);
  }
}

/** Says which partition cannot be read, where kafkajs would fail them all. */
export const parseWith =
  (parse: Parse): Parse =>
  async (answer) => {
    for (const { topicName, partitions } of answer.responses) {
      for (const one of partitions) {
        const { partition, errorCode, highWatermark, messages } = one;
        if (errorCode === CORRUPT || unreadable.has(messages)) throw new UnreadablePartition(topicName, partition);
        // A good record may lie beyond the end that is told: that was looked up before.
        const isEndBroken = messages.at(-1) instanceof Unreadable;
        if (isEndBroken || disordered.has(messages))
          one.messages = corrected(messages, isEndBroken ? Number(highWatermark) : Number.POSITIVE_INFINITY);
      }
    }
    return parse(answer);
  };

/** What came of record sets that begin with no batch. */
const unreadable = new WeakSet<object>();

/** Records of batches of which one says that it begins at or beyond the one behind it. */
const disordered = new WeakSet<object>();

/** What stands in a fetch answer for one partition: its length, and batch behind batch. */
async function decodeMessages(decoder: Decoder): Promise<readonly DecodedRecord[]> {
  const length = decoder.readInt32();
  if (length <= 0 || !decoder.canReadBytes(length)) return [];
  const records = await decodeRecordSet(decoder.readBytes(length));
  if (records !== undefined) return records;
  const none: readonly DecodedRecord[] = [];
  unreadable.add(none);
  return none;
}

/** The last batch may be cut off: it is fetched again. Undefined: the first has no length that can be right. */
export async function decodeRecordSet(bytes: Buffer): Promise<readonly DecodedRecord[] | undefined> {
  const parts: (readonly DecodedRecord[])[] = [];
  let unfolded = 0;
  let isDisordered = false;
  for (let at = 0; at + MAGIC_AT < bytes.length && unfolded < MAX_UNFOLDED_BYTES; ) {
    const length = bytes.readInt32BE(at + LENGTH_END - 4);
    const end = at + LENGTH_END + length;
    if (length < LEAST_LENGTH || end > bytes.length) {
      if (at === 0) return undefined;
      break;
    }
    const next = baseAt(bytes, end);
    isDisordered ||= next !== undefined && Number(bytes.readBigInt64BE(at)) >= next;
    const part = await decodeEntry(bytes.subarray(at, end), next, (more) => {
      unfolded += more;
    });
    parts.push(part);
    at = end;
  }
  const [only = []] = parts;
  const records = parts.length <= 1 ? only : parts.flat();
  if (isDisordered) disordered.add(records);
  return records;
}

function decodeEntry(
  bytes: Buffer,
  next: number | undefined,
  onUnfolded: (bytes: number) => void,
): Promise<readonly DecodedRecord[]> {
  if (bytes.readInt8(MAGIC_AT) < BATCH_MAGIC) return decodeOldMessages(bytes);
  return decodeBatch(bytes, next, (codec, folded) =>
    unfold(codec, folded)?.then((whole) => {
      onUnfolded(whole.length);
      return whole;
    }),
  );
}

type DecodeMessageSet = (decoder: object, length: number) => Promise<readonly DecodedRecord[]>;

async function decodeOldMessages(bytes: Buffer): Promise<readonly DecodedRecord[]> {
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
  const decode = require('kafkajs/src/protocol/messageSet/decoder') as DecodeMessageSet;
  try {
    return await decode(new Decoder(bytes), bytes.length);
  } catch (error) {
    const offset = Number(bytes.readBigInt64BE(0));
    return [new Unreadable(offset, offset, asError(error).message)];
  }
}

const baseAt = (bytes: Buffer, at: number): number | undefined =>
  at + LENGTH_END <= bytes.length ? Number(bytes.readBigInt64BE(at)) : undefined;
