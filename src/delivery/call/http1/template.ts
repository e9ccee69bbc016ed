import type { OutgoingRequest } from '../call.ts';

/** Writes the heads of requests. What requests have in common is written once, and comes first. */
export class HeadTemplate {
  readonly #host: string;
  #method: string | undefined;
  #path: string | undefined;
  #common: readonly string[] | undefined;
  #start = '';

  constructor(host: string) {
    this.#host = host;
  }

  of({ method, path, common, headers, body }: OutgoingRequest): string {
    if (common !== this.#common || path !== this.#path || method !== this.#method) this.#begin(method, path, common);
    const head = this.#start + linesOf(headers);
    return method === 'GET' && body.length === 0 ? `${head}\r\n` : `${head}content-length: ${body.length}\r\n\r\n`;
  }

  #begin(method: string, path: string, common: readonly string[]): void {
    this.#method = method;
    this.#path = path;
    this.#common = common;
    this.#start = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive\r\n${linesOf(common)}`;
  }
}

function linesOf(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}
