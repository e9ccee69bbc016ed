import type { OrderKey } from '../domain/event.ts';

/** What can wait in an `OrderedQueue`. */
export interface Ordered {
  /** The next one in the same list. */
  behind: Ordered | null;
  readonly order: OrderKey;
  /** Accounted while it waited: passed over when its turn comes. */
  readonly gone: boolean;
}

interface List {
  first: Ordered | null;
  last: Ordered | null;
}

/**
 * First in, first out, where items with one key wait for each other. An item whose key is free stands in the ready list;
 * one whose key is busy waits in the chain of that key, and moves to the ready list when its predecessor is done. A chain
 * exists only while something with its key waits or runs, so memory is bounded by what the lane holds, not by the number
 * of keys.
 */
export class OrderedQueue<T extends Ordered> {
  readonly #ready: List = { first: null, last: null };
  readonly #chains = new Map<number, List>();

  /** @returns whether it may run now: false when it waits for another one with its key */
  push(item: T): boolean {
    const chain = item.order === null ? undefined : this.#chains.get(item.order);
    if (item.order !== null && chain === undefined) this.#chains.set(item.order, { first: null, last: null });
    append(chain ?? this.#ready, item);
    return chain === undefined;
  }

  /** The next item that may run now. Its key is busy until `done`. */
  take(): T | undefined {
    for (;;) {
      const item = shift(this.#ready) as T | undefined;
      if (item === undefined || !item.gone) return item;
      this.done(item);
    }
  }

  /** Puts an item that was taken back to where it was. */
  putBack(item: T): void {
    item.behind = this.#ready.first;
    this.#ready.first = item;
    this.#ready.last ??= item;
  }

  /** Frees the key of an item that was taken. */
  done(item: T): void {
    if (item.order === null) return;
    const chain = this.#chains.get(item.order);
    if (chain === undefined) return;
    let follower = shift(chain);
    while (follower?.gone) follower = shift(chain);
    if (follower === undefined) this.#chains.delete(item.order);
    else append(this.#ready, follower);
  }

  get hasReady(): boolean {
    return this.#ready.first !== null;
  }
}

function append(list: List, item: Ordered): void {
  item.behind = null;
  if (list.last === null) list.first = item;
  else list.last.behind = item;
  list.last = item;
}

function shift(list: List): Ordered | undefined {
  const item = list.first;
  if (item === null) return undefined;
  list.first = item.behind;
  if (list.first === null) list.last = null;
  item.behind = null;
  return item;
}
