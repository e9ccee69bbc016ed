import { connect } from 'nats';
import { readConfig } from '../../config/index.ts';
import { asError, TrigateError } from '../../domain/errors.ts';
import { checkPublishTopic } from '../names.ts';
import type { Session, Shell } from '../shell.ts';

/** Straight to a NATS server, as Kubeless does it. */
export async function publishToNats(
  { messages }: Shell,
  { url, topic, message }: { url: string; topic: string; message: string },
): Promise<void> {
  checkPublishTopic(topic);
  const nats = readConfig({}, { natsUrl: url }).nats;
  if (nats === undefined) throw new TrigateError('INVALID_ARGUMENT', '--url must name a NATS server.');
  const { login, servers } = nats;
  try {
    const connection = await connect({
      servers: [...servers],
      reconnect: false,
      ...(nats.tls && { tls: {} }),
      ...(login.type === 'password' && { user: login.user, pass: login.password.reveal() }),
      ...(login.type === 'token' && { token: login.token.reveal() }),
    });
    try {
      connection.publish(topic, message);
      await connection.flush();
    } finally {
      await connection.close();
    }
  } catch (thrown) {
    const text = `Failed to publish message to topic: ${servers.join(', ')}: ${asError(thrown).message}`;
    throw new TrigateError('BROKER_UNREACHABLE', text, { cause: thrown });
  }
  messages.info(said(topic, message));
}

/** For people who cannot reach the broker from where they are. */
export async function publishThroughGateway(
  { gateway, messages }: Session,
  { topic, message, broker }: { topic: string; message: string; broker: string },
): Promise<void> {
  checkPublishTopic(topic);
  await gateway.publish(topic, { data: new TextEncoder().encode(message), headers: {} }, broker);
  messages.info(said(topic, message));
}

const said = (topic: string, message: string): string => `Published [${topic}] : '${message}'`;
