import { expect, test } from 'vitest';
import { systemClock } from '../domain/clock.ts';
import { createShow } from './show.ts';

/** What a gateway shows of itself on stdout when stderr is a terminal. */
function shown(outIsTty: boolean, mayColour = true): string {
  let out = '';
  const terminal = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: () => {} },
    isTty: true,
    outIsTty,
    clock: systemClock,
    signal: new AbortController().signal,
    readInput: async () => new Uint8Array(),
  };
  const show = createShow(terminal, 'info', mayColour, systemClock);
  show.started({
    version: '1.2.3',
    url: 'http://127.0.0.1:8080',
    isDefault: true,
    dataDir: '/data',
    sources: [],
    triggers: [],
    portNote: undefined,
  });
  show.stopping();
  return out;
}

test('what is redirected is JSON, whatever stderr is', () => {
  for (const line of shown(false).trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
});

test('a person gets a banner, in colours unless somebody asked for none', () => {
  expect(shown(true)).toContain('\u001b[');
  expect(shown(true, false)).toMatch(/^\n {2}Trigate 1\.2\.3/);
  expect(shown(true, false)).not.toContain('\u001b[');
});
