import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunPlan } from './plan.ts';

const EXTENSIONS = { nodejs: 'js', python: 'py' } as const;

/**
 * The folder of one function: `output.log`, and one folder for each version of its code, so that a new version is
 * written beside the one that still answers.
 *
 * Node.js code is `<module>.js` beside a package.json without `type`: Node.js itself then tells ES modules from
 * CommonJS by their syntax.
 */
export interface CodeFolder {
  readonly outputFile: string;
  /** Absolute path of the written code. */
  write(plan: RunPlan): Promise<string>;
  /** Removes all versions but those given. */
  prune(versions: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

export function codeFolder(folder: string): CodeFolder {
  return {
    outputFile: join(folder, 'output.log'),
    async write(plan) {
      const version = join(folder, plan.version);
      await mkdir(version, { recursive: true });
      const file = join(version, `${plan.module}.${EXTENSIONS[plan.language]}`);
      await writeFile(file, plan.code);
      if (plan.language === 'nodejs') await writeFile(join(version, 'package.json'), '{}\n');
      return file;
    },
    async prune(versions) {
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        if (!entry.isDirectory() || versions.includes(entry.name)) continue;
        await rm(join(folder, entry.name), { recursive: true, force: true });
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
