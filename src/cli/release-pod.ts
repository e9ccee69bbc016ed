import { z } from 'zod';
import type { KubernetesObject } from '../domain/resource.ts';

/** A Pod, as far as it is looked at. */
const pod = z.looseObject({
  spec: z
    .looseObject({
      containers: z
        .array(
          z.looseObject({
            ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.int() })).default([]),
          }),
        )
        .default([]),
      volumes: z
        .array(
          z.looseObject({
            name: z.string(),
            secret: z.looseObject({ secretName: z.string() }).optional(),
          }),
        )
        .default([]),
    })
    .optional(),
  status: z.looseObject({ phase: z.string().optional() }).optional(),
});

export const isRunning = (object: KubernetesObject): boolean => pod.safeParse(object).data?.status?.phase === 'Running';

/** Of its HTTP API. The API server knows a Pod's ports by number alone. */
export function portOf(object: KubernetesObject): number {
  const ports = pod.safeParse(object).data?.spec?.containers.flatMap((container) => container.ports) ?? [];
  return ports.find(({ name }) => name === 'http')?.containerPort ?? 8080;
}

/** The Secret with the token: what the chart mounts by the name `api`, also when it is one that was there before. */
export function secretOf(pods: readonly KubernetesObject[]): string | undefined {
  const volumes = pods.flatMap((object) => pod.safeParse(object).data?.spec?.volumes ?? []);
  return volumes.find(({ name }) => name === 'api')?.secret?.secretName;
}
