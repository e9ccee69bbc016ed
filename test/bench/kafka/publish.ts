import kafkajs from 'kafkajs';

const TICK_MS = 5;

export interface TimedPublisher {
  /**
   * Publishes at a fixed rate, and resolves when all is stored, with how many those were. Bodies carry the time at which
   * they were sent, for `latency-function.ts`; those of a warm-up carry none, and are not counted there.
   */
  publish(rate: number, seconds: number, as?: 'warm-up'): Promise<number>;
  close(): Promise<void>;
}

/** Over 1,000 keys. */
export async function timedPublisher(brokers: readonly string[], topic: string): Promise<TimedPublisher> {
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.ERROR });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  return {
    async publish(rate, seconds, as) {
      const pending: Promise<unknown>[] = [];
      const start = performance.now();
      let sent = 0;
      while (sent < rate * seconds) {
        const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
        const messages = Array.from({ length: due - sent }, (_, i) => ({
          key: `k${(sent + i) % 1000}`,
          value: body(as !== 'warm-up'),
        }));
        if (messages.length > 0) pending.push(producer.send({ topic, messages }));
        sent = due;
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
      await Promise.all(pending);
      return sent;
    },
    close: () => producer.disconnect(),
  };
}

const body = (isTimed: boolean): string =>
  `{"at":${isTimed ? `"${process.hrtime.bigint()}"` : 'null'},"fill":"${'x'.repeat(150)}"}`;
