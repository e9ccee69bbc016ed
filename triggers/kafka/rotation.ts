import { createRequire } from 'node:module';

// CommonJS inside of kafkajs, which has no types.
const require = createRequire(import.meta.url);

type TopicPartitions = readonly { readonly topic: string; readonly partitions: readonly number[] }[];

interface ConsumerGroup {
  filterPartitionsByNode(nodeId: number, assigned: TopicPartitions): TopicPartitions;
}

/** How often each group has asked for partitions. */
const asked = new WeakMap<ConsumerGroup, number>();
let isPatched = false;

/**
 * kafkajs asks for its partitions always in the same order. A broker fills an answer in that order, up to the bytes of a fetch,
 * and returns a batch that is larger than a partition's share only where it comes first: those behind would wait for as long as
 * those before have a backlog. Here each fetch begins with another one.
 */
export function patchRotation(): void {
  if (isPatched) return;
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  const { filterPartitionsByNode } = prototype;
  isPatched = true;
  prototype.filterPartitionsByNode = function (nodeId, assigned) {
    const turn = asked.get(this) ?? 0;
    asked.set(this, turn + 1);
    return filterPartitionsByNode
      .call(this, nodeId, assigned)
      .map(({ topic, partitions }) => ({ topic, partitions: from(partitions, turn) }));
  };
}

function from(partitions: readonly number[], turn: number): readonly number[] {
  const first = partitions.length === 0 ? 0 : turn % partitions.length;
  return [...partitions.slice(first), ...partitions.slice(0, first)];
}
