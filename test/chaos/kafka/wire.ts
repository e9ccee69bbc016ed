import type { KafkaOptions } from '../../services/broker-properties.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { type Frame, type KafkaProxy, startKafkaProxy, type Verdict } from '../../support/kafka-proxy.ts';

/** The way of gateways to the brokers, which a fault can disturb. */
export interface Wire {
  readonly brokers: readonly string[];
  /** Asked for frames in which that text stands, until it is asked for with no rule. */
  watch(text: string, rule?: (frame: Frame, broker: number) => Verdict): void;
  cut(): void;
  /** @param broker counts from 0. Default: all of them */
  freeze(frozen: boolean, broker?: number): void;
}

export interface WiredKafka extends AsyncDisposable {
  readonly kafka: Kafka;
  readonly wire: Wire;
}

/** Brokers of a run's own, each behind a proxy. */
export async function startWiredKafka(options: Omit<KafkaOptions, 'proxies'> = {}): Promise<WiredKafka> {
  const proxies: KafkaProxy[] = [];
  for (let broker = 0; broker < (options.brokers ?? 1); broker++) proxies.push(await startKafkaProxy());
  const brokers = proxies.map(({ address }) => address);
  const kafka = await startKafka({ ...options, proxies: brokers });
  const rules = new Map<string, (frame: Frame, broker: number) => Verdict>();
  const ruleOf =
    (broker: number) =>
    (frame: Frame): Verdict => {
      for (const [text, each] of rules) if (frame.bytes.includes(text)) return each(frame, broker);
      return 'pass';
    };
  for (const [i, proxy] of proxies.entries()) {
    proxy.lead(kafka.behindProxies[i] ?? '');
    proxy.rule(ruleOf(i));
  }
  return {
    kafka,
    wire: {
      brokers,
      watch(text, each) {
        if (each === undefined) rules.delete(text);
        else rules.set(text, each);
      },
      cut() {
        for (const proxy of proxies) proxy.cut();
      },
      freeze(frozen, broker) {
        for (const [i, proxy] of proxies.entries()) if (i === (broker ?? i)) proxy.freeze(frozen);
      },
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await kafka.stop();
    },
  };
}
