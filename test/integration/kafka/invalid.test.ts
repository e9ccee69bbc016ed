import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic } from '../../support/kafka.ts';
import { type Damage, Segment } from '../../support/kafka-segment.ts';
import { startReplica } from '../../support/kafka-subscription.ts';
import { startRecorder } from '../../support/recorder.ts';

let kafka: Kafka;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(() => kafka.stop());

const EACH = 5;
const orders: readonly (Damage | undefined)[] = [undefined, 'crc', 'codec', undefined, 'compressed', 'crc', undefined];

test('batches that cannot be decoded are dropped as invalid, offset by offset, and the rest goes on', async () => {
  await using topic = await createTopic(kafka.brokers, { partitions: 1, name: 'invalid' });
  for (const [i, damage] of orders.entries()) {
    await topic.produce(EACH, { from: i * EACH, compression: damage === 'compressed' ? 'gzip' : undefined });
  }
  const segment = new Segment(kafka.folders[0] ?? '', topic.name, 0);
  const batches = await segment.batches();
  expect(batches.map(({ first, last }) => last - first + 1)).toEqual(orders.map(() => EACH));
  const broken: number[] = [];
  for (const [i, batch] of batches.entries()) {
    const damage = orders[i];
    if (damage === undefined) continue;
    await segment.damage(batch, damage);
    for (let offset = batch.first; offset <= batch.last; offset++) broken.push(offset);
  }

  await using recorder = await startRecorder(['f']);
  const spec = { startFrom: 'earliest' };
  await using replica = startReplica({ brokers: kafka.brokers, topic: topic.name, recorder, spec });
  const total = orders.length * EACH;
  await eventually('all is decided', () => replica.row()?.read === total, { within: 30_000 });
  await eventually('the good ones are delivered', () => replica.row()?.delivered === total - broken.length);
  expect(replica.row()).toMatchObject({
    claimed: total - broken.length,
    droppedBeforeClaim: { invalid: broken.length },
  });
  expect(replica.dropped.map(({ offset, reason }) => ({ offset, reason }))).toEqual(
    broken.map((offset) => ({ offset: String(offset), reason: 'invalid' })),
  );
  await topic.produce(EACH, { from: total });
  await eventually('it goes on', () => replica.row()?.delivered === total - broken.length + EACH);
  const connected = replica.history.findIndex(({ type }) => type === 'connected');
  expect(replica.history.slice(connected + 1)).toEqual([]);
});

test('a record that is broken inside a good batch costs itself alone', async () => {
  await using topic = await createTopic(kafka.brokers, { partitions: 1, name: 'invalid' });
  await topic.produce(EACH);
  const segment = new Segment(kafka.folders[0] ?? '', topic.name, 0);
  for (const batch of await segment.batches()) await segment.damage(batch, 'record');
  await using recorder = await startRecorder(['f']);
  const spec = { startFrom: 'earliest' };
  await using replica = startReplica({ brokers: kafka.brokers, topic: topic.name, recorder, spec });
  await eventually('those behind it are delivered', () => replica.row()?.delivered === EACH - 1, { within: 30_000 });
  expect(replica.dropped).toMatchObject([{ offset: '0', reason: 'invalid' }]);
});

test('a partition that its broker cannot read is named in Ready, is no reason for a restart, and the others go on', async () => {
  await using topic = await createTopic(kafka.brokers, { partitions: 2, name: 'corrupt' });
  for (let batch = 0; batch < 10; batch++) await topic.produce(EACH, { from: batch * EACH, key: () => `key-${batch}` });
  const segment = new Segment(kafka.folders[0] ?? '', topic.name, 0);
  const [, second, ...behind] = await segment.batches();
  if (second === undefined) throw new Error('partition 0 has less than two batches');
  await segment.damage(second, 'length');
  const hidden = [second, ...behind].reduce((sum, { first, last }) => sum + last - first + 1, 0);
  await using recorder = await startRecorder(['f']);
  const spec = { startFrom: 'earliest' };
  await using replica = startReplica({ brokers: kafka.brokers, topic: topic.name, recorder, spec });
  await eventually('all that can be read is delivered', () => replica.row()?.delivered === 10 * EACH - hidden, {
    within: 30_000,
  });
  await eventually('it says so', () => replica.status.type === 'disconnected');
  expect(replica.status).toMatchObject({
    reason: 'PartitionUnreadable',
    message: expect.stringMatching(
      /^partition 0 of corrupt-\w+ cannot be read at its position: .*; the other partitions go on; /,
    ),
  });
  const seen = replica.history.length;
  let events = 10 * EACH;
  const others = () => recorder.of('f').filter(({ headers }) => headers['event-partition'] === '1').length;
  for (const before = others(); others() < before + 20; events += EACH) {
    await topic.produce(EACH, { from: events, key: (n) => `key-${n}` });
  }
  expect(replica.history.length).toBe(seen);
});

test('tombstones, headers without a value and keys of any bytes reach the function', async () => {
  await using topic = await createTopic(kafka.brokers, { partitions: 1, name: 'odd' });
  const client = new kafkajs.Kafka({ brokers: kafka.brokers, logLevel: kafkajs.logLevel.NOTHING });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({
    topic: topic.name,
    messages: [
      { key: 'gone', value: null },
      { key: Buffer.from([0xff, 0x00, 0x0d, 0x0a]), value: 'bytes' },
      { key: null, value: '', headers: { '': 'no name', 'bad\r\nname': 'x', __proto: Buffer.from([0xff, 0xfe]) } },
    ],
  });
  await producer.disconnect();
  await using recorder = await startRecorder(['f']);
  const spec = { startFrom: 'earliest' };
  await using replica = startReplica({ brokers: kafka.brokers, topic: topic.name, recorder, spec });
  await eventually('all three are delivered', () => replica.row()?.delivered === 3, { within: 30_000 });
  const [tombstone, bytes, odd] = recorder.of('f').toSorted((a, b) => offsetOf(a) - offsetOf(b));
  expect(tombstone).toMatchObject({ body: '', headers: { 'event-key': 'gone', 'event-offset': '0' } });
  expect(bytes).toMatchObject({ body: 'bytes', headers: { 'event-key-base64': '/wANCg==' } });
  expect(odd?.body).toBe('');
  expect(Object.keys(odd?.headers ?? {})).not.toContain('event-key');
});

const offsetOf = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) =>
  Number(headers['event-offset']);
