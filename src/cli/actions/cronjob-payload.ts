import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { asError, TrigateError } from '../../domain/errors.ts';

/** Undefined when no flag gives a payload; a payload may itself be null. */
export async function readPayload(flags: {
  readonly payload?: string | undefined;
  readonly payloadFromFile?: string | undefined;
}): Promise<{ readonly value: unknown } | undefined> {
  const { payload, payloadFromFile: file } = flags;
  if (payload !== undefined && file !== undefined) {
    throw new TrigateError('INVALID_ARGUMENT', "You can't provide both raw payload and a payload file");
  }
  if (payload !== undefined) return { value: parseJson('--payload', payload) };
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new TrigateError('INVALID_ARGUMENT', `--payload-from-file: ${asError(error).message}.`);
  });
  const what = `--payload-from-file ${file}`;
  return { value: extname(file) === '.json' ? parseJson(what, text) : await parseYaml(what, text) };
}

function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TrigateError('INVALID_ARGUMENT', `${what} is not JSON: ${asError(error).message}.`);
  }
}

/** YAML, of which JSON is a part. What JSON cannot say, a NaN or a date, comes out as JSON would write it. */
async function parseYaml(what: string, text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return JSON.parse(JSON.stringify(parse(text) ?? null));
  } catch (error) {
    throw new TrigateError('INVALID_ARGUMENT', `${what} is not JSON or YAML: ${asError(error).message.trim()}`);
  }
}
