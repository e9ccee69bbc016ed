import { type Clock, delay } from '../../domain/clock.ts';
import { asError, TrigateError } from '../../domain/errors.ts';
import { type FunctionObject, functionType } from '../../domain/function.ts';
import type { Logger } from '../../domain/kind.ts';
import { createBackoff } from '../../resources/backoff.ts';
import type { Resources } from '../../resources/resources.ts';
import { nextStatus, type Report } from './status.ts';

/** Writes the status of one Function: one write at a time, always the latest report, tried until it stands. */
export interface StatusWriter {
  write(report: Report): void;
  /** Ends after the write in hand. Idempotent. */
  close(): Promise<void>;
}

export interface StatusWriterOptions {
  readonly namespace: string;
  readonly name: string;
  readonly resources: Pick<Resources, 'updateStatus'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { clock, random, log, namespace, name } = options;
  const closing = new AbortController();
  let wanted: Report | undefined;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
    while (wanted !== undefined && !closing.signal.aborted) {
      const report = wanted;
      wanted = undefined;
      try {
        await writeStatus(options.resources, { namespace, name }, report, clock);
      } catch (error) {
        log.warn({ namespace, function: name, error: asError(error).message }, 'could not write the status');
        wanted ??= report;
        await delay(clock, backoff.next(), closing.signal);
      }
    }
    running = undefined;
  }

  return {
    write(report) {
      wanted = report;
      running ??= run();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** A Function that is gone has no status to write. */
export async function writeStatus(
  resources: Pick<Resources, 'updateStatus'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  report: Report,
  clock: Clock,
): Promise<void> {
  try {
    await resources.updateStatus<FunctionObject>(functionType, namespace, name, (object) => {
      const status = nextStatus(object, report, clock.now());
      return status && { ...object, status };
    });
  } catch (error) {
    if (!(error instanceof TrigateError) || error.code !== 'NOT_FOUND') throw error;
  }
}
