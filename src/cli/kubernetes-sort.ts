import type { TriggerDeclaration } from './trigger-sorts.ts';

/** What the shared actions need to know of the triggers on objects. */
export const kubernetesSort = {
  title: 'Kubernetes',
  async load(): Promise<TriggerDeclaration> {
    const { kubernetesTriggerType, kubernetesTriggerSpec } = await import('../../triggers/kubernetes/spec.ts');
    return { type: kubernetesTriggerType, spec: kubernetesTriggerSpec };
  },
} as const;
