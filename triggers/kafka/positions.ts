import type { Admin, Kafka } from 'kafkajs';
import { withCoordinator } from './kafkajs.ts';

/** The committed position of every partition of the topic that has one: the offset that is read next. */
export async function positions(admin: Admin, groupId: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = (found?.partitions ?? []).map(({ partition, offset }) => [partition, BigInt(offset)] as const);
  return new Map(committed.filter(([, offset]) => offset >= 0n));
}

/**
 * Stores where reading starts, for partitions that have no position yet, so that what is published from now on is not
 * missed when the process dies before its first claim. It is committed as only an empty group allows (generation -1): a
 * group with members has, or gets, its positions from them.
 */
export async function ensureStartPosition(
  kafka: Kafka,
  admin: Admin,
  groupId: string,
  topic: string,
  startFrom: 'newest' | 'earliest',
): Promise<void> {
  const offsets = await admin.fetchTopicOffsets(topic);
  const known = await positions(admin, groupId, topic);
  const missing = offsets.filter(({ partition }) => !known.has(partition));
  if (missing.length === 0) return;
  const partitions = missing.map(({ partition, low, high }) => ({
    partition,
    offset: startFrom === 'earliest' ? low : high,
  }));
  const { groups } = await admin.describeGroups([groupId]);
  const state = groups[0]?.state;
  if (state !== 'Empty' && state !== 'Dead') return;
  await withCoordinator(kafka, groupId, (coordinator) =>
    coordinator.offsetCommit({ groupId, groupGenerationId: -1, memberId: '', topics: [{ topic, partitions }] }),
  );
}
