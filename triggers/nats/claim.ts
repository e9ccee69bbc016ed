import { type Claimed, type Event, markClaimed } from '../../src/sdk.ts';

/**
 * Core NATS gives each message to one member of a queue group, once, and keeps nothing: receipt is the claim. What a
 * killed process held is lost without a count; it is bounded by the room of its lanes.
 */
export const claimReceived = (event: Event): readonly Claimed<Event>[] => markClaimed([event]);
