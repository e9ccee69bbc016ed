import { createNatsKind } from '../../../triggers/nats/index.ts';
import { readNatsConfig } from '../../config/index.ts';
import { delay, systemClock } from '../../domain/clock.ts';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { Message } from '../../domain/publish.ts';
import { checkPublishTopic } from '../names.ts';
import { natsConnection } from '../nats-connection.ts';
import type { Session, Shell } from '../shell.ts';

/** For a server that takes the connection and then says nothing. */
const ANSWER_WITHIN_MS = 15_000;

export interface NatsMessage {
  readonly topic: string;
  readonly message: string;
  /** Waits until a stream has it. */
  readonly jetstream: boolean;
}

/** Straight to a NATS server, as Kubeless does it, with the login and the certificates that the environment names. */
export async function publishToNats({ messages, env }: Shell, url: string, what: NatsMessage): Promise<void> {
  checkPublishTopic(what.topic);
  const nats = readNatsConfig(env, url);
  if (nats === undefined) throw new TrigateError('INVALID_ARGUMENT', '--url must name a NATS server.');
  const kind = createNatsKind(natsConnection(nats), systemClock);
  const given = new AbortController();
  try {
    const topics = what.jetstream ? kind.streams : kind.topics;
    const late = delay(systemClock, ANSWER_WITHIN_MS, given.signal).then(() => Promise.reject(noAnswer()));
    messages.info(said(what, await Promise.race([topics.publish(what.topic, messageOf(what)), late])));
  } catch (thrown) {
    const { message } = asError(thrown);
    const code = thrown instanceof TrigateError ? thrown.code : 'BROKER_UNREACHABLE';
    const text = `Failed to publish message to topic: ${nats.servers.join(', ')}: ${message}`;
    throw new TrigateError(code, text, { cause: thrown });
  } finally {
    given.abort();
    await kind.close();
  }
}

/** For people who cannot reach the broker from where they are. */
export async function publishThroughGateway(
  { gateways, messages }: Session,
  broker: string,
  what: NatsMessage,
): Promise<void> {
  checkPublishTopic(what.topic);
  const gateway = await gateways.topics();
  messages.info(said(what, await gateway.publish(what.topic, messageOf(what), what.jetstream ? 'jetstream' : broker)));
}

const messageOf = ({ message }: NatsMessage): Message => ({ data: new TextEncoder().encode(message), headers: {} });

const noAnswer = () =>
  new TrigateError('BROKER_UNREACHABLE', `no answer within ${ANSWER_WITHIN_MS / 1000} s; it may have been published`);

interface Place {
  readonly stream?: string | undefined;
  readonly offset?: string | undefined;
}

function said({ topic, message }: NatsMessage, { stream, offset }: Place): string {
  const where = stream === undefined ? '' : ` in stream ${stream}, sequence ${offset}`;
  return `Published [${topic}] : '${message}'${where}`;
}
