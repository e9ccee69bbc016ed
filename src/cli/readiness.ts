import type { Readiness } from '../admin/health.ts';
import type { Controller } from '../controller/controller.ts';

/** Ready: started, not stopping, and every trigger that has functions is connected to its source. */
export function readiness(controller: Controller | undefined, isRunning: boolean): Readiness {
  const gateway = { name: 'gateway', ok: isRunning, message: isRunning ? 'runs' : 'is starting or stopping' };
  const sources = (controller?.views() ?? [])
    .filter((view) => view.functions.length > 0)
    .map(({ trigger, connected, message }) => ({
      name: `${trigger.kind}/${trigger.namespace}/${trigger.name}`,
      ok: connected,
      message,
    }));
  const checks = [gateway, ...sources];
  return { ready: checks.every((check) => check.ok), checks };
}
