/** What is to be looked at, and when: each thing once, at the earliest of the moments that were asked for. */
export class Agenda {
  readonly #at = new Map<string, number>();
  #next = Number.POSITIVE_INFINITY;

  /** The earliest moment, or one before it, of something that was removed; infinity when there is nothing. */
  get next(): number {
    return this.#next;
  }

  add(name: string, at: number): void {
    const known = this.#at.get(name);
    if (known === undefined || at < known) this.#at.set(name, at);
    this.#next = Math.min(this.#next, at);
  }

  remove(name: string): void {
    this.#at.delete(name);
  }

  /** Takes out all whose moment has come. */
  take(now: number): string[] {
    const due = [...this.#at].filter(([, at]) => at <= now).map(([name]) => name);
    for (const name of due) this.#at.delete(name);
    this.#next = [...this.#at.values()].reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
    return due;
  }
}
