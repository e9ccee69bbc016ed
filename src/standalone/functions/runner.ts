import { resolve } from 'node:path';
import type { Clock, Deadline } from '../../domain/clock.ts';
import { type FunctionObject, functionType } from '../../domain/function.ts';
import type { Logger } from '../../domain/kind.ts';
import { follow } from '../../resources/follow.ts';
import type { Resources } from '../../resources/resources.ts';
import { type LocalFunction, openLocalFunction } from './local-function.ts';
import type { OutputReader } from './output.ts';
import { createPorts } from './ports.ts';
import { writeStatus } from './status-writer.ts';

export interface FunctionRunnerOptions {
  readonly resources: Resources;
  /** Code and output are kept in `functions/<namespace>/<name>/` below it. */
  readonly dataDir: string;
  /** What the processes inherit: PATH, HOME, locale. Never the gateway's credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** Largest body that a function takes. Default: 16 MiB. */
  readonly maxBodyBytes?: number;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random?: () => number;
}

export interface FunctionRunner {
  /** What a function prints; undefined when there is no such function here. */
  output(namespace: string, name: string): OutputReader | undefined;
  /** Ends every process: asked first, killed at the deadline. Idempotent; never rejects. */
  close(deadline: Deadline): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 16 << 20;
const REMOVED_FUNCTION_MS = 5_000;

/**
 * Runs the Functions of all namespaces that carry code, one process each, and keeps their `status.endpoint` and `Ready`
 * true. Resolves when the endpoints that an earlier run left behind are removed; until then no process is started.
 * @throws TrigateError when the resource API cannot be reached
 */
export async function startFunctionRunner(options: FunctionRunnerOptions): Promise<FunctionRunner> {
  const { resources, clock, log, random = Math.random } = options;
  const shared = {
    ...options,
    random,
    ports: createPorts(),
    maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
  };
  const closing = new AbortController();
  const functions = new Map<string, LocalFunction>();
  const leaving = new Map<string, Promise<void>>();

  await forgetEndpoints(resources, clock);
  const follower = follow<FunctionObject>(resources, functionType, {
    clock,
    random,
    log,
    signal: closing.signal,
    onChange: reconcile,
  });

  function reconcile(): void {
    if (closing.signal.aborted) return;
    for (const [key, object] of follower.objects) {
      if (!leaving.has(key)) localFunction(key, object).follow(object);
    }
    for (const [key, found] of functions) {
      if (!follower.objects.has(key)) remove(key, found);
    }
  }

  function localFunction(key: string, { metadata }: FunctionObject): LocalFunction {
    const known = functions.get(key);
    if (known) return known;
    const namespace = metadata.namespace ?? 'default';
    const folder = resolve(options.dataDir, 'functions', namespace, metadata.name);
    const opened = openLocalFunction({ ...shared, namespace, name: metadata.name, folder });
    functions.set(key, opened);
    return opened;
  }

  /** Made again under the same name, it waits until the folder is free. */
  function remove(key: string, found: LocalFunction): void {
    functions.delete(key);
    const gone = found.remove(clock.monotonic() + REMOVED_FUNCTION_MS).finally(() => {
      leaving.delete(key);
      reconcile();
    });
    leaving.set(key, gone);
  }

  return {
    output: (namespace, name) => functions.get(`${namespace}/${name}`)?.output,
    async close(deadline) {
      closing.abort();
      await follower.close();
      await Promise.all([...[...functions.values()].map((found) => found.close(deadline)), ...leaving.values()]);
    },
  };
}

async function forgetEndpoints(resources: Resources, clock: Clock): Promise<void> {
  const { items } = await resources.list<FunctionObject>(functionType);
  const stale = items.filter(({ status }) => status?.endpoint !== undefined);
  const report = { ready: { status: 'False', reason: 'Starting', message: 'The gateway has been started.' } } as const;
  for (const { metadata, spec } of stale) {
    const id = { namespace: metadata.namespace ?? 'default', name: metadata.name };
    await writeStatus(resources, id, spec?.endpoint === undefined ? report : {}, clock);
  }
}
