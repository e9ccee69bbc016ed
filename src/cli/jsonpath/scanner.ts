import { TrigateError } from '../../domain/errors.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** Takes a text apart from left to right. */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get position(): number {
    return this.#at;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  peek(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  take(token: string): boolean {
    if (!this.peek(token)) return false;
    this.#at += token.length;
    return true;
  }

  /** A word that does not go on. */
  takeWord(word: string): boolean {
    const next = this.#text[this.#at + word.length] ?? '';
    return !/[\w-]/.test(next) && this.take(word);
  }

  expect(token: string): void {
    if (!this.take(token)) throw this.error(`"${token}" is missing`);
  }

  /** What stands before the token, or all that is left. */
  until(token: string): string {
    const end = this.#text.indexOf(token, this.#at);
    return this.#slice(end < 0 ? this.#text.length : end);
  }

  skipSpace(): void {
    this.#match(/\s*/y);
  }

  isName(): boolean {
    return /[^\s.[\](){}@$'",:=<>!?]/.test(this.#text[this.#at] ?? '');
  }

  /** A member's name; a character that would end it may follow a backslash. */
  name(): string {
    const found = this.#match(/(?:\\.|[^\s.[\](){}@$'",=<>!?])+/y);
    if (found === undefined) throw this.error('a name is missing');
    return found.replace(/\\(.)/g, '$1');
  }

  integer(): number | undefined {
    const found = this.#match(/-?\d+/y);
    return found === undefined ? undefined : Number(found);
  }

  number(): number | undefined {
    const found = this.#match(/-?\d+(?:\.\d+)?(?![\w.])/y);
    return found === undefined ? undefined : Number(found);
  }

  /** Text in quotes, of one sort or the other. */
  quoted(): string | undefined {
    const found = this.#match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/sy);
    return found?.slice(1, -1).replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
  }

  error(problem: string): TrigateError {
    const text = `The JSONPath template is invalid: ${problem}, at character ${this.#at + 1} of ${JSON.stringify(this.#text)}.`;
    return new TrigateError('INVALID_ARGUMENT', text);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #slice(end: number): string {
    const found = this.#text.slice(this.#at, end);
    this.#at = end;
    return found;
  }
}
