import { hash } from 'node:crypto';
import { asError, TrigateError } from '../../../domain/errors.ts';
import { readGivenFile } from '../../given-file.ts';

/** Code, or a list of dependencies, in the form that a Function carries it. */
export interface Content {
  /** Text, base64, or the URL that it is fetched from. */
  readonly text: string;
  /** `function-content-type`: `text`, `base64` or `url`, with the suffix of an archive. */
  readonly type: string;
  /** `sha256:…` of the bytes. */
  readonly checksum: string;
}

const TARS = ['.tar.gz', '.taz', '.tgz', '.tar.bz2', '.tb2', '.tbz', '.tbz2', '.tz2', '.tar.xz'];
const FETCH_WITHIN_MS = 30_000;
const MIB = 1_048_576;
const LARGEST_BYTES = 64 * MIB;

/**
 * Code for a Function. Of a URL only the checksum is taken: who runs the function fetches the code from there.
 * @throws TrigateError INVALID_ARGUMENT
 */
export async function readCode(flag: string, place: string): Promise<Content> {
  if (isUrl(place)) {
    const bytes = await fetched(flag, place);
    return { text: place, type: `url${archive(place.split('?', 1).join())}`, checksum: checksumOf(bytes) };
  }
  return fileContent(flag, place);
}

/** Dependencies for a Function: always the content itself. @throws TrigateError INVALID_ARGUMENT */
export async function readDependencies(flag: string, place: string): Promise<string> {
  if (isUrl(place)) return (await fetched(flag, place)).toString();
  return (await fileContent(flag, place)).text;
}

async function fileContent(flag: string, path: string): Promise<Content> {
  const bytes = await readGivenFile(flag, path, 'a file that can be read, or a URL');
  const type = `${isText(bytes) ? 'text' : 'base64'}${archive(path)}`;
  return { text: bytes.toString(type === 'text' ? 'utf8' : 'base64'), type, checksum: checksumOf(bytes) };
}

async function fetched(flag: string, url: string): Promise<Buffer> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_WITHIN_MS) });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return await readBody(answer);
  } catch (thrown) {
    const { cause, message } = asError(thrown);
    const reason = cause instanceof Error ? cause.message : message;
    const text = `${flag} must be a URL that can be fetched, found ${JSON.stringify(url)} (${reason}).`;
    throw new TrigateError('INVALID_ARGUMENT', text);
  }
}

/** Whatever a server sends, this process does not grow by more. */
async function readBody({ body }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > LARGEST_BYTES) throw new Error(`it is larger than ${LARGEST_BYTES / MIB} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const isUrl = (place: string): boolean => /^https?:\/\//.test(place);

const archive = (name: string): string =>
  name.endsWith('.zip') ? '+zip' : TARS.some((ending) => name.endsWith(ending)) ? '+compressedtar' : '';

const isText = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

const checksumOf = (bytes: Uint8Array): string => `sha256:${hash('sha256', bytes)}`;
