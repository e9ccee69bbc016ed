/** What the server says of a delivery, in the subject that an acknowledgement goes to. */
export interface DeliveryInfo {
  /** How often the message has been delivered, this time included. */
  readonly count: number;
  /** In the stream. */
  readonly sequence: number;
  /** Of deliveries of the consumer: without a gap. */
  readonly consumerSequence: number;
  /** Publication, milliseconds since the epoch. */
  readonly time: number;
  /** Events that the consumer has not delivered yet. */
  readonly pending: number;
  readonly reply: string;
}

const NANOSECOND_DIGITS = 6;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<count>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`, or the form that
 * has domain and account behind `ACK`. Undefined for what is not a delivery.
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md
 */
export function deliveryInfo(reply: string | undefined): DeliveryInfo | undefined {
  if (reply === undefined || !reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const from = tokens.length >= 11 ? 6 : 4;
  const [count, sequence, consumerSequence, nanoseconds = '', pending] = tokens.slice(from);
  const info = {
    count: Number(count),
    sequence: Number(sequence),
    consumerSequence: Number(consumerSequence),
    // Nanoseconds since the epoch are more than a number holds.
    time: Number(nanoseconds.slice(0, -NANOSECOND_DIGITS)),
    pending: Number(pending),
    reply,
  };
  return Number.isSafeInteger(info.sequence) && info.sequence > 0 && info.count > 0 ? info : undefined;
}

/**
 * Where an acknowledgement of a delivery goes whose own subject is not known any more: the server looks at the sequence
 * alone.
 */
export const ackSubject = (stream: string, consumer: string, sequence: number): string =>
  `$JS.ACK.${stream}.${consumer}.1.${sequence}.1.0.0`;
