import type { Gap } from '../domain/ledger.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Condition } from '../domain/resource.ts';
import type { TriggerStatus } from '../domain/trigger.ts';

/**
 * What a person must know of a trigger. In a cluster it becomes a Kubernetes Event, which has another name here, because
 * "event" is what a source produces.
 */
export interface Notice {
  readonly type: 'Normal' | 'Warning';
  /** One word, stable. */
  readonly reason: string;
  /** One sentence. */
  readonly note: string;
}

/**
 * What has become true with a status that was written. The status is written by compare-and-swap, so of many replicas
 * exactly one tells each change, and a controller that starts again tells none.
 */
export function noticesOf(before: TriggerStatus | undefined, after: TriggerStatus): Notice[] {
  const known = new Map((before?.conditions ?? []).map((condition) => [condition.type, condition]));
  const others = String(before?.functions) !== String(after.functions);
  return (after.conditions ?? []).flatMap((is) => {
    const was = known.get(is.type);
    const isSame = was?.status === is.status && was.reason === is.reason;
    if (isSame && !(is.type === 'FunctionsMatched' && others) && !hasOtherIssue(was, is)) return [];
    return noticeOf(was, is) ?? [];
  });
}

const hasOtherIssue = (was: Condition, is: Condition): boolean =>
  is.reason === 'InvalidSpec' && was.message !== is.message;

function noticeOf(was: Condition | undefined, is: Condition): Notice | undefined {
  const isTrue = is.status === 'True';
  switch (is.type) {
    case 'Ready':
      return is.reason === 'InvalidSpec' ? warning('InvalidSpec', is.message) : undefined;
    case 'FunctionsMatched':
      return isTrue ? normal('FunctionsMatched', is.message) : warning('NoFunction', is.message);
    case 'SourceConnected':
      if (isTrue) return normal('SourceConnected', is.message);
      return QUIET.has(is.reason) ? undefined : warning('SourceDisconnected', is.message);
    case 'Delivering':
      if (is.status === 'False') return warning(is.reason, is.message);
      return isTrue && was?.status === 'False' ? normal('Delivering', is.message) : undefined;
    case 'Paused':
      if (isTrue) return normal('Paused', is.message);
      return was?.status === 'True' ? normal('Resumed', 'the trigger is not paused any more') : undefined;
    default:
      return undefined;
  }
}

/** A source is not connected, and nobody has to do anything about it. */
const QUIET: ReadonlySet<string> = new Set(['Connecting', 'NoSubscription']);

/** A source lost events, and nobody knows how many. */
export function gapNotice({ from, to, cause }: Gap): Notice {
  const time = (ms: number) => new Date(ms).toISOString();
  return warning('EventsLost', `between ${time(from)} and ${time(to)}: ${cause}`);
}

/** Undefined for what is only counted. */
export function outcomeNotice(outcome: Outcome, functionName: string): Notice | undefined {
  if (outcome.type === 'unknown' && outcome.reason === 'crash') {
    return warning(
      'InDoubt',
      `a controller ended while it called ${functionName}: those copies are unknown(crash); GET /v1/events names them`,
    );
  }
  if (outcome.type === 'dropped' && outcome.reason === 'claim_lost') {
    return warning(
      'ClaimsLost',
      `a controller ended between claim and call of ${functionName}: those copies are dropped(claim_lost)`,
    );
  }
  return undefined;
}

const normal = (reason: string, note: string): Notice => ({ type: 'Normal', reason, note });
const warning = (reason: string, note: string): Notice => ({ type: 'Warning', reason, note });
