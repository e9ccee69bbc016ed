import type { ServedType } from '../../domain/resource.ts';

const age = { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' } as const;
const readOnly = { namespaced: true, readOnly: true, validate: () => [] } as const;

export const serviceType: ServedType = {
  ...readOnly,
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  columns: [{ name: 'Type', path: '.spec.type', type: 'string' }, age],
};

export const podType: ServedType = {
  ...readOnly,
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  columns: [
    { name: 'Status', path: '.status.phase', type: 'string' },
    { name: 'Ready', path: '.status.conditions[Ready].status', type: 'string' },
    age,
  ],
};

export const deploymentType: ServedType = {
  ...readOnly,
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  columns: [
    { name: 'Replicas', path: '.status.replicas', type: 'integer' },
    { name: 'Ready', path: '.status.readyReplicas', type: 'integer' },
    age,
  ],
};
