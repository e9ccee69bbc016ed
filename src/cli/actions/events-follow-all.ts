import { delay } from '../../domain/clock.ts';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { EventRow } from '../event-lines.ts';
import type { Gateway } from '../gateway.ts';
import type { Session } from '../shell.ts';
import { type FeedReader, followGateway } from './events-follow.ts';

type Query = Readonly<Record<string, string | undefined>>;

interface Output {
  /** Called once, when somebody has answered. */
  begin(): void;
  print(row: EventRow): void;
}

/** How often it is looked who is there: milliseconds. */
const LOOK_EVERY = 5_000;
/** As many rows as there can be: who comes later is new, and is told from its beginning. */
const ALL_HELD = '1000';

/**
 * The live tails of all who have events, as one, until the signal aborts. Processes come and go: a new one is followed
 * from its beginning, one that is gone is said and let go, one that does not answer is said once and tried again.
 *
 * @throws TrigateError when nobody is there at first, or somebody refuses
 */
export async function followAll(session: Session, query: Query, output: Output, signal: AbortSignal): Promise<void> {
  const { gateways, terminal } = session;
  const first = await gateways.observers();
  let hasBegun = false;
  const reader: FeedReader = {
    print: output.print,
    opened() {
      if (!hasBegun) output.begin();
      hasBegun = true;
    },
  };
  if (!gateways.isChanging) {
    await Promise.all(first.map((gateway) => followGateway(session, gateway, query, reader, signal)));
    return;
  }
  const refused = new AbortController();
  const tails = new Tails(session, reader, AbortSignal.any([signal, refused.signal]));
  const later = { ...query, since: undefined, limit: ALL_HELD };
  try {
    for (const gateway of first) tails.follow(gateway, query);
    while (!signal.aborted) {
      await Promise.race([tails.refused, delay(terminal.clock, LOOK_EVERY, tails.signal)]);
      // Whoever says who is there may be away for a moment, too.
      const now = await gateways.observers().catch(() => []);
      for (const gateway of now) tails.follow(gateway, later);
    }
  } finally {
    refused.abort();
  }
}

class Tails {
  readonly signal: AbortSignal;
  readonly #session: Session;
  readonly #reader: FeedReader;
  readonly #followed = new Set<string>();
  readonly #silent = new Set<string>();
  readonly #refusal = Promise.withResolvers<never>();

  constructor(session: Session, reader: FeedReader, signal: AbortSignal) {
    this.#session = session;
    this.#reader = reader;
    this.signal = signal;
  }

  /** Rejects when somebody refuses: waiting does not help. */
  get refused(): Promise<never> {
    return this.#refusal.promise;
  }

  follow(gateway: Gateway, query: Query): void {
    const { name } = gateway;
    if (this.#followed.has(name) || this.signal.aborted) return;
    this.#followed.add(name);
    followGateway(this.#session, gateway, query, this.#reader, this.signal).catch((thrown: unknown) =>
      this.#ended(name, asError(thrown)),
    );
  }

  #ended(name: string, error: Error): void {
    const { messages } = this.#session;
    const status = error instanceof TrigateError ? error.status : 0;
    if (status === 404) messages.info(`The feed of ${name} is over: it is gone.`);
    else if (status < 500) this.#refusal.reject(error);
    else {
      this.#followed.delete(name);
      if (!this.#silent.has(name)) messages.warning(`What ${name} tells is missing for now: ${error.message}`);
      this.#silent.add(name);
    }
  }
}
