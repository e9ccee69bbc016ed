import type { IncomingMessage } from 'node:http';

/** Only names of this machine: a page that rebinds its own name to 127.0.0.1 is refused. */
export const isLocalHost = (host: string | undefined): boolean =>
  host === undefined || /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);

/** The whole body, unless it is larger than `maxBytes` or the sender goes away. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | 'too large' | 'aborted'> {
  if (Number(request.headers['content-length']) > maxBytes) return Promise.resolve('too large');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return resolve('too large');
      chunks.push(chunk);
    });
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.once('close', () => resolve('aborted'));
  });
}
