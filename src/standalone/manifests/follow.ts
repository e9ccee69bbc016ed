import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, delay } from '../../domain/clock.ts';
import { asError } from '../../domain/errors.ts';
import type { Logger } from '../../domain/kind.ts';
import type { ServedType } from '../../domain/resource.ts';
import type { Resources } from '../../resources/resources.ts';
import { type Applied, applyManifests } from './apply.ts';
import { watchFolders } from './folder-watch.ts';
import { formatProblem, type Problem } from './manifest.ts';
import { readManifests } from './read.ts';

export interface ManifestReport extends Applied {
  /** Valid objects in the folders. */
  readonly objects: number;
  /** Of the files, and of the server. */
  readonly problems: readonly Problem[];
}

export interface FollowManifestsOptions {
  /** Folders, or single files. */
  readonly dirs: readonly string[];
  readonly resources: Resources;
  /** What is applied, in this order; deleted in the other. */
  readonly types: readonly ServedType[];
  readonly log: Logger;
  readonly clock: Clock;
  /** Called after each pass over the folders. */
  readonly onReport?: (report: ManifestReport) => void;
}

export interface ManifestFollower {
  /** Ends after the object in hand. Idempotent; what was applied stays. */
  close(): Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Applies folders of manifests and follows their changes: each change makes a pass over all of them. Resolves after the
 * first pass, also when it found nothing but problems.
 */
export async function followManifests(options: FollowManifestsOptions): Promise<ManifestFollower> {
  const { dirs, types, resources, clock, log } = options;
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  let again = false;
  let known: readonly Problem[] = [];
  const folders = watchFolders(clock, request);

  function request(): void {
    again = true;
    running ??= run().finally(() => {
      running = undefined;
    });
  }

  async function run(): Promise<void> {
    while (again && !closing.signal.aborted) {
      again = false;
      try {
        await pass();
      } catch (error) {
        log.warn({ error: asError(error).message }, 'the manifests could not be applied; trying again');
        again = true;
        await delay(clock, RETRY_MS, closing.signal);
      }
    }
  }

  async function pass(): Promise<void> {
    const manifests = await readManifests(dirs, types);
    if (closing.signal.aborted) return;
    // Not only the folders that could be read: a missing one is waited for.
    const added = folders.set([...new Set([...manifests.folders, ...missing(manifests.problems)])]);
    if (added) again = true; // something may have changed between reading and watching
    const applied = await applyManifests(resources, types, dirs, manifests, closing.signal);
    const problems = [...manifests.problems, ...applied.problems];
    tell(applied, problems);
    options.onReport?.({ ...applied, problems, objects: manifests.objects.length });
  }

  const missing = (problems: readonly Problem[]): string[] =>
    dirs.filter((dir) => problems.some(({ file }) => file === dir)).map((dir) => resolve(dir));

  function tell({ created, changed, deleted }: Applied, problems: readonly Problem[]): void {
    if (created.length + changed.length + deleted.length > 0) {
      log.info({ created, changed, deleted }, 'manifests applied');
    }
    if (!isDeepStrictEqual(problems, known)) for (const problem of problems) log.warn({}, formatProblem(problem));
    known = problems;
  }

  request();
  await running;
  return {
    async close() {
      closing.abort();
      folders.close();
      await running;
    },
  };
}
