import type { TriggerDeclaration } from './trigger-sorts.ts';

/** What the shared actions need to know of the triggers of cron. */
export const cronJobSort = {
  title: 'Cronjob',
  async load(): Promise<TriggerDeclaration> {
    const { cronJobTriggerType, cronJobTriggerSpec } = await import('../../triggers/cronjob/spec.ts');
    return { type: cronJobTriggerType, spec: cronJobTriggerSpec };
  },
} as const;
