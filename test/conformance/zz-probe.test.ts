import { test } from 'vitest';
import { createKafkaKind } from '../../triggers/kafka/index.ts';
import { sharedKafka } from '../services/shared.ts';
import { createTopic } from '../support/kafka.ts';
import { silent } from '../support/topic-log.ts';

test('poison', async () => {
  const brokers = await sharedKafka();
  await using a = await createTopic(brokers);
  await using b = await createTopic(brokers);
  const kind = createKafkaKind({ brokers }, silent);
  const pub = async (t: string) => {
    const t0 = Date.now();
    const r = await kind.topics
      .publish(t, { data: new Uint8Array([1]), headers: {} })
      .catch((e) => `${e.code} ${e.message}`);
    console.log(t, r, Date.now() - t0);
  };
  await pub(a.name);
  await pub('nope-nope');
  await pub(b.name);
  await pub(a.name);
  const spec = (topic: string) => kind.spec.parse({ topic });
  const open = async (topic: string) => {
    const t0 = Date.now();
    const r = await kind
      .open(
        {
          trigger: { kind: 'kafka', namespace: 'd', name: topic, uid: '' },
          spec: spec(topic),
          fanout: 'isolated',
          functions: ['f'],
        },
        {
          gate: { reserve: async () => ({ size: 0 }), tryReserve() {} } as never,
          account: {} as never,
          log: silent,
          clock: {
            now: () => Date.now(),
            monotonic: () => performance.now(),
            after: (ms: number, f: () => void) => {
              const t = setTimeout(f, ms);
              return () => clearTimeout(t);
            },
          },
          signal: new AbortController().signal,
          report() {},
          fail() {},
        },
      )
      .catch((e) => e);
    console.log(
      'open',
      topic,
      r instanceof Error ? `${r.name} ${r.message} ${'type' in r ? r.type : ''}` : 'ok',
      Date.now() - t0,
    );
    if (!(r instanceof Error)) await r.close(performance.now() + 5000);
  };
  await open(a.name);
  await open('nope-nope');
  await open(b.name);
  await open(a.name);
  await kind.close();
});
