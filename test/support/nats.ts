import { randomUUID } from 'node:crypto';
import { connect, headers as natsHeaders } from 'nats';
import { numberedBodies } from './numbered.ts';

export interface PublishOptions {
  /** Number of the first event. Default: 0. */
  readonly from?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly size?: number;
  /** Events between two breaths. Default: 100. */
  readonly chunk?: number;
  /**
   * Core NATS does not wait for slow subscribers. Called after each chunk with the number published so far; the next
   * chunk goes out when it resolves, for example when the functions have got most of them.
   */
  readonly pace?: (published: number) => Promise<void>;
}

/** A subject of one test. */
export interface TestSubject extends AsyncDisposable {
  readonly name: string;
  /** Publishes events with the bodies `bodies(count, from)`; resolves when the server has all of them. */
  publish(count: number, options?: PublishOptions): Promise<void>;
  bodies(count: number, from?: number): string[];
  /** Closes the connection. Idempotent. */
  close(): Promise<void>;
}

/** A connection and a new subject. `await using` closes it. */
export async function createSubject(url: string, name = 'test'): Promise<TestSubject> {
  const subject = `${name}.${randomUUID().slice(0, 8)}`;
  const client = await connect({ servers: url, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  const close = async () => {
    if (!client.isClosed()) await client.close();
  };
  return {
    name: subject,
    async publish(count, options = {}) {
      const { from = 0, size, chunk = 100, pace } = options;
      const headers = natsHeaders();
      for (const [header, value] of Object.entries(options.headers ?? {})) headers.set(header, value);
      const bodies = numberedBodies(count, from, size);
      for (let start = 0; start < count; start += chunk) {
        for (const body of bodies.slice(start, start + chunk)) client.publish(subject, body, { headers });
        await client.flush();
        await pace?.(Math.min(start + chunk, count));
      }
    },
    bodies: numberedBodies,
    close,
    [Symbol.asyncDispose]: close,
  };
}
