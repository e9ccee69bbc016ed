/** One message of a `text/event-stream`. */
export interface ServerSentEvent {
  readonly id: string | undefined;
  /** `message` when the server names none. */
  readonly name: string;
  /** Empty where only the place in the stream is told. */
  readonly data: string;
}

/**
 * Cuts a stream of text into its messages; comments (heartbeats) and an unfinished last one are left out.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readServerSentEvents(chunks: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = readBlock(block);
      if (event !== undefined) yield event;
    }
  }
}

function readBlock(block: string): ServerSentEvent | undefined {
  const fields = block.split(/\r?\n/).map((line) => /^([^:]*):? ?(.*)$/.exec(line) ?? []);
  const values = (name: string) => fields.filter(([, field]) => field === name).map(([, , value = '']) => value);
  const data = values('data');
  const id = values('id').at(-1);
  if (data.length === 0 && id === undefined) return undefined;
  return { id, name: values('event').at(-1) ?? 'message', data: data.join('\n') };
}
