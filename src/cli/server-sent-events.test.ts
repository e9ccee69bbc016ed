import { expect, it } from 'vitest';
import { readServerSentEvents } from './server-sent-events.ts';

async function read(...chunks: string[]) {
  const events = [];
  const source = async function* () {
    yield* chunks;
  };
  for await (const event of readServerSentEvents(source())) events.push(event);
  return events;
}

const TEXT = ': beat\n\nid: 1\nevent: row\ndata: a\ndata:b\n\nretry: 5\n\ndata: c: d\r\n\r\ndata: unfinished';
const EVENTS = [
  { id: '1', name: 'row', data: 'a\nb' },
  { id: undefined, name: 'message', data: 'c: d' },
];

it('reads messages and leaves out comments, other fields and what is unfinished', async () => {
  expect(await read(TEXT)).toEqual(EVENTS);
});

it('does not mind where the stream is cut', async () => {
  expect(await read(...TEXT)).toEqual(EVENTS);
});
