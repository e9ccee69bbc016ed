import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { badRequest, notFound } from '../api/status.ts';
import type { OutputReader } from '../functions/output.ts';
import { podType } from './types.ts';
import { functionOfPod } from './views.ts';

export interface PodLogOptions {
  /** Undefined: no such function runs here. */
  output(namespace: string, name: string): OutputReader | undefined;
}

/** A reader that lets so much pile up is cut off. */
const MOST_UNSENT_BYTES = 1 << 20;

const parameters = z.object({ namespace: z.string(), pod: z.string() });
const query = z.object({
  follow: z
    .enum(['', '1', 'true', '0', 'false'])
    .default('false')
    .transform((value) => !['0', 'false'].includes(value)),
  tailLines: z.coerce.number().int().min(0).optional(),
});

/** `/api/v1/namespaces/NS/pods/NAME/log`: what the process of a function printed, and with `follow` what it prints. */
export function podLog({ output }: PodLogOptions) {
  const open = new Set<() => void>();

  function handle(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { namespace, pod } = parameters.parse(request.params);
    const wanted = query.safeParse(request.query);
    if (!wanted.success) throw badRequest('follow must be true or false, and tailLines a number');
    const found = output(namespace, functionOfPod(pod) ?? '');
    if (found === undefined) throw notFound(podType, pod);
    const { follow, tailLines } = wanted.data;
    const all = found.lines();
    const lines = tailLines === undefined ? all : all.slice(Math.max(0, all.length - tailLines));
    if (!follow) return reply.type('text/plain; charset=utf-8').send(lines.map((line) => `${line}\n`).join(''));
    begin(reply);
    for (const line of lines) reply.raw.write(`${line}\n`);
    const end = stream(found, reply.raw);
    open.add(end);
    reply.raw.once('close', () => open.delete(end));
    return reply;
  }

  return {
    handle,
    /** Ends those that follow. */
    close() {
      for (const end of [...open]) end();
    },
  };
}

/** Without keep-alive a connection does not outlive its log and hold up the server's close. */
function begin(reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.raw.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  });
  reply.raw.flushHeaders();
}

/** @returns ends it; idempotent */
function stream(output: OutputReader, response: ServerResponse): () => void {
  const stop = output.follow({
    onLine(line) {
      response.write(`${line}\n`);
      if (response.writableLength > MOST_UNSENT_BYTES) response.destroy();
    },
    onEnd: () => response.end(),
  });
  response.once('close', stop);
  response.on('error', () => response.destroy());
  if (response.closed) stop();
  return () => {
    stop();
    response.end();
  };
}
