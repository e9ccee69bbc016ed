import { asError, type Message, type Published, type Topics, TrigateError } from '../../src/sdk.ts';
import { headersOf, type NatsConnection } from './client.ts';
import type { Link } from './connection.ts';
import { isNoResponders, JetStreamApi } from './jetstream/api.ts';

const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;

/** Subjects of core NATS: they exist while somebody listens, so there is nothing to create or list. */
export function natsTopics(link: Link): Topics {
  return {
    name: 'nats',
    async publish(topic, message) {
      const connection = await connectionFor(link, topic, message);
      connection.publish(topic, message.data, { headers: headersOf(message.headers) });
      await connection.flush();
      return { topic };
    },
    create: () => Promise.reject(nothingToDo('create')),
    delete: () => Promise.reject(nothingToDo('delete')),
    list: () => Promise.reject(nothingToDo('list')),
    close: async () => {},
  };
}

/** Subjects that streams keep. Publishing resolves when the stream has the event. Streams are made and deleted elsewhere. */
export function jetstreamTopics(link: Link): Topics {
  return {
    name: 'jetstream',
    async publish(topic, message) {
      const connection = await connectionFor(link, topic, message);
      return stored(connection, topic, message);
    },
    create: () => Promise.reject(elsewhere('made')),
    delete: () => Promise.reject(elsewhere('deleted')),
    list: async () => (await JetStreamApi.of(await link.connect())).subjects(),
    close: async () => {},
  };
}

async function connectionFor(link: Link, topic: string, { data }: Message): Promise<NatsConnection> {
  if (!SUBJECT.test(topic)) {
    const found = `subject ${JSON.stringify(topic)}`;
    throw new TrigateError('INVALID_ARGUMENT', `${found}: allowed are tokens divided by "."`);
  }
  const connection = await link.connect();
  const limit = connection.info?.max_payload;
  if (limit !== undefined && data.length > limit) {
    const found = `the event has ${data.length} bytes`;
    throw new TrigateError('TOO_LARGE', `${found}, and the NATS server takes at most ${limit} (max_payload)`);
  }
  return connection;
}

async function stored(connection: NatsConnection, topic: string, { data, headers }: Message): Promise<Published> {
  try {
    const { stream, seq } = await connection.jetstream().publish(topic, data, { headers: headersOf(headers) });
    return { topic, stream, offset: String(seq) };
  } catch (thrown) {
    if (isNoResponders(thrown)) throw new TrigateError('NOT_FOUND', `no stream of NATS has the subject ${topic}`);
    const message = `NATS did not say that it has the event: ${asError(thrown).message}`;
    throw new TrigateError('BROKER_UNREACHABLE', message, { cause: thrown });
  }
}

const nothingToDo = (verb: string) =>
  new TrigateError('INVALID_ARGUMENT', `core NATS keeps no subjects: there is nothing to ${verb}`);

const elsewhere = (what: string) =>
  new TrigateError('NOT_IMPLEMENTED', `streams of JetStream are ${what} with NATS' own tools`);
