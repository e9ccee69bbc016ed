import { isDeepStrictEqual } from 'node:util';
import type { Deadline } from '../../domain/clock.ts';
import type { FunctionObject } from '../../domain/function.ts';
import type { Logger } from '../../domain/kind.ts';
import type { Resources } from '../../resources/resources.ts';
import { codeFolder } from './code-folder.ts';
import { type OutputReader, openOutput } from './output.ts';
import { planFunction } from './plan.ts';
import { nextStatus, type Report } from './status.ts';
import { createStatusWriter } from './status-writer.ts';
import { supervise } from './supervisor.ts';
import type { VersionContext } from './version.ts';

/** One Function object and everything that runs for it. */
export interface LocalFunction {
  follow(object: FunctionObject): void;
  readonly output: OutputReader;
  /** Idempotent. */
  close(deadline: Deadline): Promise<void>;
  /** Closes it and removes its folder. */
  remove(deadline: Deadline): Promise<void>;
}

export interface LocalFunctionOptions extends Omit<VersionContext, 'folder' | 'onLine'> {
  readonly folder: string;
  readonly resources: Pick<Resources, 'updateStatus'>;
  readonly log: Logger;
}

export function openLocalFunction(options: LocalFunctionOptions): LocalFunction {
  const { namespace, name, log, clock } = options;
  const folder = codeFolder(options.folder);
  const output = openOutput(folder.outputFile);
  const writer = createStatusWriter(options);
  const supervisor = supervise({ ...options, folder, onLine: output.append }, onReport);
  let current: FunctionObject | undefined;
  let last: Report = {};

  function onReport(report: Report): void {
    const isNew = !isDeepStrictEqual(report, last);
    const mine = report.ready !== undefined;
    last = report;
    if (isNew) tell(report);
    // The copy at hand may be older than what was written meanwhile: only a report said before may rely on it.
    const stands = current !== undefined && (!mine || nextStatus(current, report, clock.now()) === undefined);
    if (isNew || !stands) writer.write(report);
  }

  function tell({ endpoint, ready }: Report): void {
    if (ready === undefined) return;
    const fields = { namespace, function: name, reason: ready.reason, endpoint };
    const isAsAsked = ready.status === 'True' && ready.reason !== 'PreviousVersion';
    if (isAsAsked || ready.reason === 'Starting') log.debug(fields, ready.message);
    else log.warn(fields, ready.message);
  }

  async function close(deadline: Deadline): Promise<void> {
    await supervisor.close(deadline);
    await writer.close();
    await output.close();
  }

  return {
    follow(object) {
      if (object.metadata.resourceVersion === current?.metadata.resourceVersion) return;
      current = object;
      supervisor.follow(planFunction(object));
    },
    output,
    close,
    async remove(deadline) {
      await close(deadline);
      await folder.remove();
    },
  };
}
