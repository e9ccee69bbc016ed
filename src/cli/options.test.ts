import { expect, test } from 'vitest';
import { type DryRunFlags, dryRunOf } from './options.ts';

test.each<[Pick<DryRunFlags, 'dryrun' | 'dryRun'>, string]>([
  [{}, 'none'],
  [{ dryRun: 'none' }, 'none'],
  [{ dryrun: true }, 'client'],
  [{ dryrun: true, dryRun: 'none' }, 'client'],
  [{ dryrun: true, dryRun: 'server' }, 'server'],
  [{ dryRun: 'client' }, 'client'],
])('%j is %s', (flags, expected) => {
  expect(dryRunOf(flags)).toBe(expected);
});
