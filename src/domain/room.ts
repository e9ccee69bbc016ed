import type { Deadline } from './clock.ts';
import type { Gate, Room } from './kind.ts';

/**
 * Room of a gate, as `reserve` grants it; undefined when the source stops before. What is granted afterwards goes back.
 * @param until a moment on the monotonic clock. Default: as long as it takes
 */
export function roomUnlessStopped(
  gate: Pick<Gate, 'reserve'>,
  stopping: AbortSignal,
  wanted: number,
  until?: Deadline,
): Promise<Room | undefined> {
  if (stopping.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(undefined);
    stopping.addEventListener('abort', giveUp, { once: true });
    gate.reserve(wanted, until).then((room) => {
      stopping.removeEventListener('abort', giveUp);
      if (stopping.aborted) room.release();
      else resolve(room);
    }, reject);
  });
}
