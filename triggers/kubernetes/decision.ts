import type { DroppedReason } from '../../src/sdk.ts';
import type { Change } from './change.ts';
import type { KubernetesTriggerSpec } from './spec.ts';

/** What becomes of some changes, for one trigger. */
export interface Decision {
  readonly claim: Change[];
  readonly drop: { readonly change: Change; readonly reason: DroppedReason }[];
  filtered: number;
}

export const nothing = (): Decision => ({ claim: [], drop: [], filtered: 0 });

/** Whether a trigger takes a change at all, and whether it is too large for it. */
export type Judgement = 'wanted' | 'filtered' | 'too_large';

export function judge(change: Change, names: ObjectNames, spec: KubernetesTriggerSpec): Judgement {
  if (!change.isWanted(spec)) return 'filtered';
  return change.body(names, spec).length > spec.delivery.maxBytes ? 'too_large' : 'wanted';
}

/** As manifests name a type. */
export interface ObjectNames {
  readonly apiVersion: string;
  readonly kind: string;
}
