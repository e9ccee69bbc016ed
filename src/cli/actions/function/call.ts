import { detectContentType } from '../../../delivery/content-type.ts';
import { TrigateError } from '../../../domain/errors.ts';
import { randomEventId } from '../../../domain/event.ts';
import { readGivenFile } from '../../given-file.ts';
import { readRequestHeaders } from '../../header-flag.ts';
import type { Session } from '../../shell.ts';
import { callFunction, functionService } from './service.ts';
import { checkPlace } from './write.ts';

export interface CallFlags {
  readonly data?: string | undefined;
  readonly dataFromFile?: string | undefined;
  readonly header?: readonly string[] | undefined;
}

const SHOWN_OF_A_REFUSAL = 500;

/** A direct call, with Kubeless' headers: without data a GET, else a POST. Prints what the function answers. */
export async function callByHand(session: Session, name: string, flags: CallFlags): Promise<void> {
  const { namespace, terminal } = session;
  checkPlace(session, name);
  const headers = { ...eventHeaders(terminal.clock.now()), ...readRequestHeaders(flags.header ?? []) };
  const data = await readData(session, flags);
  const service = await functionService(session, namespace, name);
  const answer = await callFunction(
    session,
    service,
    data === undefined
      ? { method: 'GET', path: '/', headers }
      : { method: 'POST', path: '/', headers: { ...typeHeaders(data), ...headers }, body: data },
  );
  if (answer.status >= 200 && answer.status < 300) {
    terminal.stdout.write(answer.body);
    terminal.stdout.write('\n');
    return;
  }
  if (answer.status === 408) throw new TrigateError('INTERNAL', 'Request timeout exceeded');
  throw new TrigateError('INTERNAL', refusal(name, answer.status, new TextDecoder().decode(answer.body)));
}

const eventHeaders = (now: number) => ({
  'event-id': randomEventId(),
  'event-time': `${new Date(now).toISOString().slice(0, 19)}Z`,
  'event-namespace': 'cli.kubeless.io',
});

function typeHeaders(data: Uint8Array) {
  const type = detectContentType(data);
  return { 'content-type': type, 'event-type': type };
}

async function readData(
  { terminal }: Session,
  { data, dataFromFile: file }: CallFlags,
): Promise<Uint8Array | undefined> {
  if (data !== undefined && file !== undefined) {
    throw new TrigateError('INVALID_ARGUMENT', 'Give the data with --data or with --data-from-file, found both.');
  }
  if (file === undefined) return data ? new TextEncoder().encode(data) : undefined;
  if (file === '-') return terminal.readInput();
  return readGivenFile('--data-from-file', file);
}

function refusal(name: string, status: number, text: string): string {
  const said = text.trim();
  const shown = said.length > SHOWN_OF_A_REFUSAL ? `${said.slice(0, SHOWN_OF_A_REFUSAL)}…` : said;
  return `Function ${name} answered ${status}${shown === '' ? '' : `: ${shown}`}`;
}
