import { type Claimed, type Event, markClaimed } from '../../src/sdk.ts';

/**
 * Core NATS gives each message to one member of a queue group, once, and keeps nothing: receipt is the claim. What a
 * killed process held is lost without a count; it is bounded by the room of its lanes.
 */
export const claimReceived = (event: Event): readonly Claimed<Event>[] => markClaimed([event]);

/**
 * JetStream sends a message of a consumer with explicit acknowledgement only when its delivery is recorded (with more
 * than one replica: by a quorum), and with `max_deliver: 1` never again: a first delivery is the claim.
 * @param events whose delivery count was 1
 */
export const claimDelivered = <E extends Event>(events: readonly E[]): readonly Claimed<E>[] => markClaimed(events);
