import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { tempDir } from '../../test/support/temp.ts';
import { makeDataDir, openIn } from './data-dir.ts';

async function folder(): Promise<string> {
  const made = await tempDir('data-dir');
  onTestFinished(() => made.remove());
  return made.path;
}

test('is made with the folders above it, for its owner alone', async () => {
  const dir = join(await folder(), 'a/b');
  makeDataDir(dir);
  makeDataDir(dir);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test('one that cannot be made is named, with what to do', async () => {
  const file = join(await folder(), 'file');
  writeFileSync(file, '');
  const saying = (text: string) => expect.objectContaining({ code: 'INVALID_CONFIG', message: text });
  const advice = 'Mend it, or choose another directory with --data-dir or TRIGATE_DATA_DIR.';
  expect(() => makeDataDir(file)).toThrow(saying(`The data directory ${file} cannot be made: it is a file. ${advice}`));
  expect(() => makeDataDir(join(file, 'below'))).toThrow(
    saying(`The data directory ${file}/below cannot be made: it is a file. ${advice}`),
  );
  // There `mkdir` with `recursive` never ends.
  expect(() => makeDataDir('/proc/trigate')).toThrow(/^The data directory \/proc\/trigate cannot be made: ENOENT/);
});

test('a file in it that is no database is named', async () => {
  const dir = await folder();
  writeFileSync(join(dir, 'log.db'), 'something else '.repeat(100));
  const open = (path: string) => {
    using db = new DatabaseSync(path);
    db.exec('PRAGMA journal_mode = WAL');
  };
  expect(() => openIn(dir, 'log.db', open)).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/\/log\.db cannot be opened: file is not a database\. Mend it, or choose/),
    }),
  );
});
