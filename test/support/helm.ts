import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { helmBinary } from '../services/helm/helm.ts';
import type { KubectlResult } from './cluster.ts';

export const CHART = join(import.meta.dirname, '../../charts/trigate');

/** Names of the values files in the chart's `ci` folder, without what they all end in. */
export const ciValues = (): string[] =>
  readdirSync(join(CHART, 'ci')).map((file) => file.replace(/-values\.yaml$/, ''));

export const valuesFile = (name: string): string => join(CHART, 'ci', `${name}-values.yaml`);

/** Runs helm to its end. @param home a folder of the test: Helm keeps caches and settings there */
export async function helm(
  home: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<KubectlResult> {
  const child = spawn(await helmBinary(), args, { env: { PATH: process.env.PATH, HOME: home, ...env } });
  child.stdin.end();
  const ended = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

const rendered = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Rendered = z.infer<typeof rendered>;

/** The objects that a chart was rendered to. */
export const objectsIn = (manifest: string): Rendered[] =>
  parseAllDocuments(manifest).flatMap((document) => {
    const value: unknown = document.toJS();
    return value === null ? [] : [rendered.parse(value)];
  });

/** The one container of a Deployment. */
export const deployment = z.looseObject({
  metadata: z.looseObject({ name: z.string(), generation: z.number().optional() }),
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        serviceAccountName: z.string(),
        containers: z.array(
          z.looseObject({
            args: z.array(z.string()),
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
          }),
        ),
      }),
    }),
  }),
});
