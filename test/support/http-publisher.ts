import { Agent, request } from 'undici';

/** What is known of bodies that were sent to `POST /v1/topics`. */
export interface Sent {
  /** The gateway said that they are stored. */
  readonly stored: readonly string[];
  /** No answer came: they may be stored, or not. They are never sent again. */
  readonly doubtful: readonly string[];
}

export interface HttpPublisher extends AsyncDisposable {
  /** Sends every body once, 32 at a time. Stops at the first that is not answered. */
  publish(topic: string, bodies: readonly string[]): Promise<Sent>;
}

const AT_A_TIME = 32;

/** Publishes through a gateway: into its embedded log, or to the broker of that name. */
export function httpPublisher(url: string, broker = 'log'): HttpPublisher {
  const agent = new Agent({ connections: AT_A_TIME, allowH2: false });

  async function send(topic: string, body: string): Promise<'stored' | 'refused' | 'doubtful'> {
    const key = `key-${Number(/\d+/.exec(body)?.[0]) % 100}`;
    try {
      const answer = await request(`${url}/v1/topics/${topic}?broker=${broker}&key=${key}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
        dispatcher: agent,
      });
      const text = await answer.body.text();
      if (answer.statusCode === 200) return 'stored';
      throw new Error(`publishing answered ${answer.statusCode}: ${text}`);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      return error.code === 'ECONNREFUSED' ? 'refused' : 'doubtful';
    }
  }

  return {
    async publish(topic, bodies) {
      const known = { stored: [] as string[], doubtful: [] as string[], refused: [] as string[] };
      const left = bodies.values();
      const worker = async () => {
        for (const body of left) {
          const answer = await send(topic, body);
          known[answer].push(body);
          if (answer !== 'stored') return;
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, worker));
      return known;
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}
