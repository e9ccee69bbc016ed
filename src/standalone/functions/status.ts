import { isDeepStrictEqual } from 'node:util';
import type { FunctionObject, FunctionStatus } from '../../domain/function.ts';
import type { Condition } from '../../domain/resource.ts';
import type { VersionState } from './version.ts';

/** What the runner says of a function. */
export interface Report {
  readonly endpoint?: string;
  /** Undefined: nothing, it is run by somebody else. */
  readonly ready?: Pick<Condition, 'status' | 'reason' | 'message'>;
}

/** @param waiting a newer version that does not answer yet; the older one goes on until it does */
export function reportOf(serving: VersionState, waiting: VersionState | undefined): Report {
  switch (serving.type) {
    case 'starting':
      return notReady('Starting', 'The process has been started and does not answer yet.');
    case 'down':
      return notReady(serving.reason, serving.message);
    case 'ready': {
      const endpoint = serving.url;
      if (waiting?.type !== 'down') {
        return { endpoint, ready: { status: 'True', reason: 'Answering', message: `It answers on ${endpoint}.` } };
      }
      const message = `The version before goes on answering; the new one does not start: ${waiting.message}`;
      return { endpoint, ready: { status: 'True', reason: 'PreviousVersion', message } };
    }
    default:
      return serving satisfies never;
  }
}

export const notReady = (reason: string, message: string): Report => ({ ready: { status: 'False', reason, message } });

/** The status that an object should have; undefined when it has it. */
export function nextStatus(object: FunctionObject, report: Report, now: number): FunctionStatus | undefined {
  const { endpoint: _, conditions = [], ...rest } = object.status ?? {};
  const others = conditions.filter(({ type }) => type !== 'Ready');
  const before = conditions.find(({ type }) => type === 'Ready');
  const ready = report.ready && readyCondition(report.ready, before, object.metadata.generation, now);
  const status: FunctionStatus = {
    ...rest,
    ...(report.endpoint !== undefined && { endpoint: report.endpoint }),
    conditions: ready ? [ready, ...others] : others,
  };
  return isDeepStrictEqual(status, { conditions: [], ...object.status }) ? undefined : status;
}

function readyCondition(
  ready: NonNullable<Report['ready']>,
  before: Condition | undefined,
  generation: number | undefined,
  now: number,
): Condition {
  const same = before?.status === ready.status;
  return {
    type: 'Ready',
    ...ready,
    lastTransitionTime: same ? before.lastTransitionTime : new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
    ...(generation !== undefined && { observedGeneration: generation }),
  };
}
