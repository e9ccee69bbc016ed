/** Of one origin: tells for each address that a connection to it was made to whether it is never called. */
export type Forbids = (address: string) => boolean;

/**
 * Where connections led that were ended before a byte was sent, for people to be told. What a name resolves to is known
 * only then, and to this process only: a name may lead elsewhere tomorrow, and another pod has another address.
 */
export class Refusals {
  /** Called when there is another answer than before. It must not throw. */
  onChange: () => void = () => {};
  readonly #forbids: Forbids;
  /** The address, by origin. */
  readonly #refused = new Map<string, string>();

  constructor(forbids: Forbids) {
    this.#forbids = forbids;
  }

  /** The rules for connections to that origin, which remember what they say. */
  rulesOf(origin: string): Forbids {
    return (address) => {
      const isForbidden = this.#forbids(address);
      this.#note(origin, isForbidden ? address : undefined);
      return isForbidden;
    };
  }

  /** One sentence; undefined while nothing was refused there. */
  of(origin: string): string | undefined {
    const address = this.#refused.get(origin);
    return address === undefined ? undefined : `${origin} leads to ${address}, ${NEVER_CALLED}`;
  }

  /** Forgets all other origins. */
  retain(origins: ReadonlySet<string>): void {
    for (const origin of this.#refused.keys()) if (!origins.has(origin)) this.#refused.delete(origin);
  }

  #note(origin: string, address: string | undefined): void {
    if (this.#refused.get(origin) === address) return;
    if (address === undefined) this.#refused.delete(origin);
    else this.#refused.set(origin, address);
    this.onChange();
  }
}

/** Of an address, for the end of a sentence. */
export const NEVER_CALLED =
  'which is never called: loopback, link-local, the API server and the pod of the controller itself are refused';
