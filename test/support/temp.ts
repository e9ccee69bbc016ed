import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new folder that goes away with `await using` or `remove()`. */
export async function tempDir(name = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `trigate-${name}-`));
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
