import type { TriggerKind } from '../../src/sdk.ts';
import { Ahead } from './ahead.ts';
import { openCronSource } from './source.ts';
import { type CronJobTriggerSpec, cronJobTriggerColumns, cronJobTriggerSpec, cronJobTriggerType } from './spec.ts';

export { cronJobTriggerSpec, cronJobTriggerType } from './spec.ts';

export interface CronJobKindOptions {
  /** Nobody else runs these triggers: whatever a predecessor has left open is the work of a dead one. */
  readonly alone: boolean;
  /** Milliseconds before its tick at which a claim is made at the latest. */
  readonly leadMs?: number;
}

/** Ticks of schedules. The claims live in the status of the trigger objects; there is no broker. */
export function createCronJobKind({ alone, leadMs }: CronJobKindOptions): TriggerKind<CronJobTriggerSpec> {
  const ahead = new Ahead(leadMs);
  return {
    name: 'cronjob',
    resource: cronJobTriggerType,
    // Singular, as Kubeless has it.
    eventNamespace: 'cronjobtrigger.kubeless.io',
    eventType: 'dev.trigate.cronjob.tick',
    eventTime: 'date',
    columns: cronJobTriggerColumns,
    spec: cronJobTriggerSpec,
    selects(spec) {
      const name = spec['function-name'];
      return name === undefined ? { type: 'labels', selector: spec.functionSelector } : { type: 'name', name };
    },
    guarantee: {
      promise:
        'At most once, on any number of processes: a tick is claimed by compare-and-swap in the status of its trigger before the function is called.',
      crash: 'Ticks claimed and not finished are counted as unknown(crash), by whoever runs the trigger next.',
      order: 'Ticks start in order; with concurrencyPolicy Allow their calls may overlap.',
    },
    open: (subscription, context) => openCronSource(subscription, context, { alone, ahead }),
  };
}
