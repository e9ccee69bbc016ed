import { type damages, Segment } from '../../support/kafka-segment.ts';
import { type Disturb, LOAD, NOTHING, stop } from './disturb.ts';
import { functions, PARTITIONS, type Stage } from './stage.ts';

/** Of a gateway, at any time. An idle one has about 120 MB; fetches may hold 10 MiB for each of two functions, and unfold. */
const MOST_MEMORY = 768 * 1024 * 1024;

const COPIES = LOAD * functions.length;

/** Faults of what is stored: offsets and records. */
export const dataRows: readonly Disturb[] = [
  {
    row: 7,
    fault: 'retention takes what nobody has read',
    brokers: 1,
    trials: 4,
    bounds: { inDoubt: 0, missing: COPIES },
    spec: { onOffsetsLost: 'newest' },
    async run(stage) {
      await stop(stage, 0);
      await stage.publish(LOAD);
      await stage.deleteRecords();
      await stage.gateway.restart();
      return undefined;
    },
  },
  {
    row: 7,
    fault: "the group's offsets are deleted",
    brokers: 1,
    trials: 4,
    bounds: NOTHING,
    spec: { onOffsetsLost: 'newest' },
    async run(stage) {
      await stage.publish(LOAD);
      await stage.settleUp();
      await stop(stage, 0);
      await stage.deleteOffsets();
      await stage.gateway.restart();
      return undefined;
    },
  },
  {
    row: 13,
    fault: 'poison: headers and keys that no HTTP header can carry',
    brokers: 1,
    trials: 3,
    bounds: NOTHING,
    async run(stage) {
      const wild = {
        'bad name\r\n': 'x',
        line: 'a\r\nb: c',
        nul: '\u0000',
        ue: 'ü→',
        host: 'evil',
        connection: 'close',
      };
      const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`h${i}`, 'x'.repeat(40)]));
      await stage.publish(20, { headers: wild, key: (n) => `\u0000\r\nkey-${n}` });
      await stage.publish(20, { headers: many, key: () => 'k'.repeat(5_000) });
      await stage.publish(20, { headers: { 'ce-specversion': '9', 'ce-id': '\u0007' }, key: () => null });
      return undefined;
    },
  },
  {
    row: 13,
    fault: 'poison: wrong CRC, unknown codec, broken compression, broken records',
    brokers: 1,
    trials: 4,
    bounds: { inDoubt: 0, missing: COPIES },
    run: damaged,
  },
  {
    row: 14,
    fault: 'events of 900 kB',
    brokers: 1,
    trials: 2,
    bounds: { ...NOTHING, peakRss: MOST_MEMORY },
    async run(stage) {
      for (let events = 0; events < 40; events++) await stage.publish(1, { size: 900_000 });
      return undefined;
    },
  },
  {
    row: 14,
    fault: 'events of 10 MB, larger than the trigger takes',
    brokers: 1,
    trials: 2,
    bounds: { inDoubt: 0, missing: 10 * functions.length, peakRss: MOST_MEMORY },
    async run(stage) {
      await stage.allowBatchesOf(12_000_000);
      const publishing = stage.publish(LOAD);
      for (let events = 0; events < 10; events++) await stage.publish(1, { size: 10_000_000 });
      await publishing;
      return undefined;
    },
  },
  {
    row: 14,
    fault: 'batches that unfold to 50 times their size',
    brokers: 1,
    trials: 2,
    bounds: { ...NOTHING, peakRss: MOST_MEMORY },
    async run(stage) {
      for (let batches = 0; batches < 10; batches++) {
        await stage.publish(40, { size: 500_000, compression: 'gzip', key: () => null });
      }
      return undefined;
    },
  },
];

/** The gateway is away meanwhile: it would be faster than we are. */
async function damaged(stage: Stage): Promise<undefined> {
  await stop(stage, 0);
  const [folder = ''] = stage.kafka.folders;
  const segments = Array.from(
    { length: PARTITIONS },
    (_, partition) => new Segment(folder, stage.topic.name, partition),
  );
  const before = await Promise.all(segments.map(async (segment) => (await segment.batches()).length));
  const ways = ['crc', 'codec', 'record'] as const satisfies (keyof typeof damages)[];
  for (let rounds = 0; rounds < 10; rounds++) {
    await stage.publish(LOAD / 10, { compression: rounds % 2 === 0 ? 'gzip' : undefined });
  }
  for (const [i, segment] of segments.entries()) {
    for (const batch of (await segment.batches()).slice(before[i])) {
      const isFolded = (batch.bytes.readInt16BE(21) & 7) !== 0;
      const how = isFolded ? 'compressed' : ways[stage.random(0, ways.length - 1)];
      if (how !== undefined && stage.random(0, 1) === 0) await segment.damage(batch, how);
    }
  }
  await stage.gateway.restart();
  return undefined;
}
