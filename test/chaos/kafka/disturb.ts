import type { Bounds } from './report.ts';
import type { Stage } from './stage.ts';

/** A fault under load. It ends with everything well again; what it answers is the moment from which recovery counts. */
export interface Disturb {
  readonly row: number;
  readonly fault: string;
  readonly brokers: 1 | 3;
  readonly trials: number;
  readonly bounds: Bounds;
  readonly replicas?: number;
  readonly spec?: object;
  run(stage: Stage): Promise<number | undefined>;
}

export const NOTHING: Bounds = { inDoubt: 0, missing: 0 };
/** Events that are published around a fault. */
export const LOAD = 300;

/** An orderly stop of one of the gateways. */
export async function stop(stage: Stage, replica: number): Promise<void> {
  const gateway = stage.gateways[replica];
  await gateway?.kill('SIGTERM');
  await gateway?.exited();
}
