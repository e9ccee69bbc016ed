/** Offsets that may lie between the lowest unsettled one and the position: one bit each in the commit's metadata. */
export const WINDOW = 4096;

const WORDS = WINDOW / 32;

/**
 * Which offsets of a partition are claimed and not settled. A ring of bits over the span from the lowest of them to the
 * position; that span never exceeds `WINDOW`, so one call that hangs holds up its partition and nothing grows.
 */
export class OffsetWindow {
  readonly #bits = new Uint32Array(WORDS);
  #lowest: number;
  #position: number;
  #count = 0;

  /** @param position the offset that is read next */
  constructor(position: number) {
    this.#lowest = position;
    this.#position = position;
  }

  /** The offset that is read next: everything before it is claimed, settled, or was never there. */
  get position(): number {
    return this.#position;
  }

  /** The lowest unsettled offset; the position when there is none. */
  get lowest(): number {
    return this.#lowest;
  }

  /** Unsettled offsets. */
  get size(): number {
    return this.#count;
  }

  /** The highest position that a claim may reach now. Without unsettled offsets a claim may begin anywhere. */
  limit(first: number): number {
    return (this.#count === 0 ? first : this.#lowest) + WINDOW;
  }

  /** Claims offsets in ascending order, all of them at or behind the position, and moves the position. */
  claim(offsets: readonly number[], position: number): void {
    const [first] = offsets;
    if (this.#count === 0) this.#lowest = first ?? position;
    for (const offset of offsets) this.#set(offset);
    this.#count += offsets.length;
    this.#position = position;
  }

  /** Settles one offset. False when it was not claimed here. */
  settle(offset: number): boolean {
    if (!this.has(offset)) return false;
    this.#clear(offset);
    this.#count--;
    if (offset === this.#lowest) this.#advance();
    return true;
  }

  has(offset: number): boolean {
    if (offset < this.#lowest || offset >= this.#position) return false;
    return ((this.#bits[(offset % WINDOW) >>> 5] ?? 0) & (1 << (offset & 31))) !== 0;
  }

  /** Unsettled offsets, ascending. */
  *unsettled(): Generator<number> {
    for (let offset = this.#lowest; offset < this.#position; offset++) if (this.has(offset)) yield offset;
  }

  #advance(): void {
    if (this.#count === 0) {
      this.#lowest = this.#position;
      return;
    }
    let offset = this.#lowest + 1;
    while (!this.has(offset)) offset += this.#skip(offset);
    this.#lowest = offset;
  }

  /** A whole word without bits is passed over at once. */
  #skip(offset: number): number {
    return (offset & 31) === 0 && this.#bits[(offset % WINDOW) >>> 5] === 0 ? 32 : 1;
  }

  #set(offset: number): void {
    const word = (offset % WINDOW) >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (offset & 31));
  }

  #clear(offset: number): void {
    const word = (offset % WINDOW) >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) & ~(1 << (offset & 31));
  }
}
