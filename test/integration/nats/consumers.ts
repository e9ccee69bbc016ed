import type { JetStreamManager } from 'nats';
import type { ConformanceTopic } from '../../conformance/harness.ts';
import type { Reading } from '../../conformance/rig.ts';
import { eventually } from '../../support/eventually.ts';

export const streamOf = (topic: ConformanceTopic) => topic.pattern.replace('.*', '').replace('.', '-');

export async function consumerOf(manager: JetStreamManager, topic: ConformanceTopic): Promise<string> {
  const [consumer] = await manager.consumers.list(streamOf(topic)).next();
  if (consumer === undefined) throw new Error('the stream has no consumer');
  return consumer.name;
}

/** The acknowledgements of all that was delivered have come, and the record before them. */
export async function noneIsPending(manager: JetStreamManager, topic: ConformanceTopic): Promise<void> {
  await eventually('the server waits for no acknowledgement', async () => {
    const info = await manager.consumers.info(streamOf(topic), await consumerOf(manager, topic));
    return info.num_ack_pending === 0;
  });
}

export const failed = (reading: Reading) => eventually('the source fails', () => reading.failures[0]);
