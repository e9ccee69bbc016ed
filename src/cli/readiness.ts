import type { Check, Readiness } from '../admin/health.ts';
import type { TriggerView } from '../controller/controller.ts';
import type { Clock } from '../domain/clock.ts';
import { triggerKey } from '../domain/trigger.ts';

/** How long sources that neither connect nor fail may hold up the start of a controller. */
const LONGEST_START_MS = 30_000;

/** Of a gateway that has one owner: started, not stopping, and every trigger that has functions is connected to its source. */
export function gatewayReadiness(views: readonly TriggerView[], isRunning: boolean): Readiness {
  const checks = [runs('gateway', isRunning), ...sourcesOf(views)];
  return { ready: checks.every((check) => check.ok), checks };
}

/**
 * Of a controller, which serves the triggers of many: it knows all of them and runs. A broker that is away, or that one
 * trigger names wrongly, is told by the conditions of that trigger and by the checks; it takes no pod out of service and
 * holds up no rollout. Only once, after the start, it waits until every source has connected or failed: in a rollout the old
 * pod goes when the new one reads.
 */
export function controllerReadiness(clock: Clock): (views: readonly TriggerView[], isRunning: boolean) => Readiness {
  let runsSince: number | undefined;
  let hasTried = false;
  return (views, isRunning) => {
    if (isRunning) runsSince ??= clock.monotonic();
    const isLate = runsSince !== undefined && clock.monotonic() - runsSince >= LONGEST_START_MS;
    if (isRunning) hasTried ||= isLate || !views.some(({ isOpening }) => isOpening);
    return { ready: isRunning && hasTried, checks: [runs('controller', isRunning), ...sourcesOf(views)] };
  };
}

const runs = (name: string, ok: boolean): Check => ({ name, ok, message: ok ? 'runs' : 'is starting or stopping' });

const sourcesOf = (views: readonly TriggerView[]): Check[] =>
  views
    .filter(({ functions }) => functions.length > 0)
    .map(({ trigger, connected, message }) => ({ name: triggerKey(trigger), ok: connected, message }));
