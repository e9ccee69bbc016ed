import { type Claimed, markClaimed } from '../../src/sdk.ts';
import type { KubernetesEvent } from './event.ts';

/**
 * Claims events that their trigger has decided on, with the next write of the checkpoint. Only what it answers is ours.
 * @param commit stores all that is decided on when the write begins; rejects when that is not proven
 */
export async function claim(
  commit: () => Promise<void>,
  events: readonly KubernetesEvent[],
): Promise<readonly Claimed<KubernetesEvent>[]> {
  await commit();
  return markClaimed(events);
}
