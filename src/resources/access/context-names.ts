import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const kubeconfig = z.looseObject({ contexts: z.array(z.looseObject({ name: z.string() })).nullish() });

/** The contexts of kubeconfig files. A file that cannot be read has none. */
export async function contextNames(files: readonly string[]): Promise<readonly string[]> {
  const names = await Promise.all(files.map(namesIn));
  return [...new Set(names.flat())];
}

async function namesIn(file: string): Promise<readonly string[]> {
  try {
    const { data } = kubeconfig.safeParse(parse(await readFile(file, 'utf8')));
    return data?.contexts?.map(({ name }) => name) ?? [];
  } catch {
    return [];
  }
}
