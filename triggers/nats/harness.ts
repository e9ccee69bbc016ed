import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { systemClock } from '../../src/domain/clock.ts';
import type { Broker, ConformanceTopic, Harness } from '../../test/conformance/harness.ts';
import { sharedNats } from '../../test/services/shared.ts';
import { freePort } from '../../test/support/port.ts';
import { createNatsKind } from './index.ts';

const nothingKept = 'core NATS keeps nothing: what is published while nobody listens is nowhere';

export const natsHarness: Harness = {
  name: 'nats',
  durable: false,
  skips: {
    'what was claimed and never settled is counted as unknown(crash)':
      'receipt in memory is the claim: what a killed process held is lost without a count',
    'closing under load finishes what was claimed, and the next source goes on behind it': nothingKept,
    'events published while nobody reads are read later, each once': nothingKept,
    'the id of an event is the same whoever reads it, and no other event has it':
      'a message has no coordinates: its id is given at receipt',
    'startFrom counts only where no position exists': 'there are no positions',
  },
  start: startBroker,
};

async function startBroker(): Promise<Broker> {
  const url = await sharedNats();
  const client = await connect({ servers: url });
  const nowhere = `nats://127.0.0.1:${await freePort()}`;

  async function createTopic(): Promise<ConformanceTopic> {
    const prefix = `conformance.${randomUUID().slice(0, 8)}`;
    return {
      pattern: `${prefix}.*`,
      async publish(events) {
        for (const { key = 'key', data } of events) client.publish(`${prefix}.${key}`, data ?? undefined);
        await client.flush();
      },
      delete: async () => {},
    };
  }

  const connectTo = (servers: string) => {
    const kind = createNatsKind({ servers }, systemClock);
    return { kind, close: () => kind.close() };
  };
  return {
    createTopic,
    connect: () => connectTo(url),
    connectNowhere: () => connectTo(nowhere),
    stop: () => client.close(),
  };
}
