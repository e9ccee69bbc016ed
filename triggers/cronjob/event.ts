import {
  attributeText,
  type Event,
  eventId,
  knownText,
  type SourceCoordinates,
  type Subscription,
} from '../../src/sdk.ts';
import { iso } from './record.ts';
import type { CronJobTriggerSpec } from './spec.ts';
import { payloadBytes } from './spec.ts';

/** One tick of one trigger. */
export interface CronEvent extends Event {
  readonly coordinates: Extract<SourceCoordinates, { type: 'cronjob' }>;
}

/** What a tick is beside its time. */
export interface TickFacts {
  /** `OpenTick.key`. */
  readonly key: string;
  readonly tick: number;
  /** Milliseconds after its time. */
  readonly lateness: number;
  /** Ticks before it that nobody fired. */
  readonly missed: number;
}

/** By hand: the key names the request. */
export const handKey = (nonce: string): string => `hand:${nonce}`;

/** Makes the events of one trigger. */
export function eventMaker({ trigger, spec }: Subscription<CronJobTriggerSpec>): (facts: TickFacts) => CronEvent {
  const data = payloadBytes(spec.payload);
  const method = data.length === 0 ? 'GET' : 'POST';
  const origin = attributeText(
    `/apis/kubeless.io/v1beta1/namespaces/${trigger.namespace}/cronjobtriggers/${trigger.name}`,
  );
  return ({ key, tick, lateness, missed }) => {
    const byHand = key.startsWith('hand:');
    const at = iso(tick);
    return {
      id: eventId(`cronjob/${trigger.uid}`, key),
      time: tick,
      topic: undefined,
      method,
      origin,
      subject: knownText(at),
      contentType: 'application/json',
      attributes: undefined,
      headers: [
        ['event-scheduled-time', knownText(at)],
        ['event-lateness', knownText(`${Math.max(0, lateness)}ms`)],
        ['event-missed', knownText(`${missed}`)],
        ...(byHand ? ([['event-by-hand', knownText('true')]] as const) : []),
      ],
      order: null,
      data,
      coordinates: { type: 'cronjob', schedule: spec.schedule, tick: at, ...(byHand && { byHand }) },
    };
  };
}
