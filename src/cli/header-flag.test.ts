import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { readHeaders, readRequestHeaders } from './header-flag.ts';

const ALLOWED = 'of ISO 8859-1 without line breaks and other control characters';

it.each([
  ['a=b\r\nhost: evil', `--header a must have a value of characters ${ALLOWED}, found U+000D in "b\\r\\nhost: evil".`],
  ['a=b\nc', `--header a must have a value of characters ${ALLOWED}, found U+000A in "b\\nc".`],
  ['a=\0', `--header a must have a value of characters ${ALLOWED}, found U+0000 in "\\u0000".`],
  ['A=\x7f', `--header a must have a value of characters ${ALLOWED}, found U+007F in`],
  ['a=é→', `--header a must have a value of characters ${ALLOWED}, found U+2192 in "é→".`],
  ['a=😀', `--header a must have a value of characters ${ALLOWED}, found U+1F600 in "😀".`],
  ['Host=a', '--header cannot be host, which the request says of itself.'],
  ['Transfer-Encoding=chunked', '--header cannot be transfer-encoding, which the request says of itself.'],
  ['a\r\nb=c', '--header must be name=value, the name of letters, digits and'],
  ['é=c', '--header must be name=value'],
  ['=c', '--header must be name=value'],
  ['a', '--header must be name=value'],
])('%j is refused in a sentence that says what was found', (given, sentence) => {
  expect(() => readRequestHeaders([given])).toThrow(sentence);
});

it('what is let through arrives as it was given', async () => {
  const headers = readRequestHeaders(['X-A=b=c', 'x-latin=é ÿ', 'x-tab=a\tb', 'x-empty=']);
  const server = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { ...headers, connection: 'close' } });
    expect(await answer.json()).toMatchObject({ 'x-a': 'b=c', 'x-latin': 'é ÿ', 'x-tab': 'a\tb', 'x-empty': '' });
  } finally {
    server.close();
  }
});

it('a header of an event may have any text for its value', () => {
  expect(readHeaders(['A=→\n', 'a=1'])).toEqual({ A: '→\n', a: '1' });
});
