import type { OutgoingRequest } from '../call.ts';

/** How heads with one list of common headers begin. */
interface Start {
  readonly method: string;
  readonly path: string;
  readonly common: readonly string[];
  readonly text: string;
}

/** Writes the heads of requests. What requests have in common is written once, and comes first. */
export class HeadTemplate {
  readonly #host: string;
  /** By the list of common headers: lanes that share a caller have one each. */
  readonly #starts = new WeakMap<readonly string[], Start>();
  #last: Start | undefined;

  constructor(host: string) {
    this.#host = host;
  }

  of({ method, path, common, headers, body }: OutgoingRequest): string {
    const head = this.#startOf(method, path, common).text + linesOf(headers);
    return method === 'GET' && body.length === 0 ? `${head}\r\n` : `${head}content-length: ${body.length}\r\n\r\n`;
  }

  #startOf(method: string, path: string, common: readonly string[]): Start {
    const last = this.#last;
    if (last?.common === common && last.path === path && last.method === method) return last;
    let start = this.#starts.get(common);
    if (start?.path !== path || start.method !== method) {
      const text = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive\r\n${linesOf(common)}`;
      start = { method, path, common, text };
      this.#starts.set(common, start);
    }
    this.#last = start;
    return start;
  }
}

function linesOf(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}
