import { type Topics, TrigateError } from '../../src/sdk.ts';
import { headersOf } from './client.ts';
import type { Link } from './connection.ts';

const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;

/** Subjects of core NATS: they exist while somebody listens, so there is nothing to create or list. */
export function natsTopics(link: Link): Topics {
  return {
    name: 'nats',
    async publish(topic, message) {
      if (!SUBJECT.test(topic)) {
        throw new TrigateError(
          'INVALID_ARGUMENT',
          `subject ${JSON.stringify(topic)}: allowed are tokens divided by "."`,
        );
      }
      const connection = await link.connect();
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

const nothingToDo = (verb: string) =>
  new TrigateError('INVALID_ARGUMENT', `core NATS keeps no subjects: there is nothing to ${verb}`);
