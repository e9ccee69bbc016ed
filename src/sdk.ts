/**
 * What a kind may use of the project: its only door. Each name is listed, so that the surface is seen and chosen.
 */
export { z } from 'zod';
export { carriedHeaders } from './domain/carried-headers.ts';
export type { Claimed } from './domain/claim.ts';
export { markClaimed } from './domain/claim.ts';
export type { Cancel, Clock, Deadline } from './domain/clock.ts';
export { byDeadline, delay } from './domain/clock.ts';
export { type IncomingEvent, readCloudEvent } from './domain/cloudevents.ts';
export { asError, TrigateError } from './domain/errors.ts';
export type { Event, EventId, OrderKey, ProducerAttributes, SourceCoordinates } from './domain/event.ts';
export { eventId, orderKey, randomEventId, unknownEventId } from './domain/event.ts';
export type { HeaderField, HeaderText } from './domain/header-text.ts';
export { attributeText, fieldText, knownText } from './domain/header-text.ts';
export type {
  Gate,
  Guarantee,
  Logger,
  Memory,
  PartProgress,
  Passage,
  Progress,
  Room,
  Selection,
  Source,
  SourceContext,
  SourceStatus,
  StatusStore,
  Stored,
  Subscription,
  TriggerKind,
} from './domain/kind.ts';
export { groupName } from './domain/kind.ts';
export type { Account, Counts, Gap } from './domain/ledger.ts';
export { addCounts, copyCounts, countOutcome, noCounts, total } from './domain/ledger.ts';
export type { DroppedReason, Outcome } from './domain/outcome.ts';
export { droppedReasons, unknownReasons } from './domain/outcome.ts';
export type { Message, Published, Topics } from './domain/publish.ts';
export type { KubernetesObject, PrinterColumn, ResourceType, ServedType } from './domain/resource.ts';
export { apiVersionOf } from './domain/resource.ts';
export { roomUnlessStopped } from './domain/room.ts';
export { specIssues } from './domain/schema.ts';
export type { CountsByFunction } from './domain/stored-counts.ts';
export { storedCounts, withoutZeros } from './domain/stored-counts.ts';
export type { Delivery, LabelSelector, TriggerSpec } from './domain/trigger.ts';
export { delivery, fanout, labelSelector } from './domain/trigger.ts';
export type { Backoff } from './resources/backoff.ts';
export { createBackoff, pauseAfter } from './resources/backoff.ts';
export { parseJson } from './resources/json.ts';
export { resourceName, resourcePath } from './resources/path.ts';
export { ResourceError } from './resources/resource-error.ts';
export type { DiscoveredType, ObjectPage, Resources, Scope } from './resources/resources.ts';
export { selectorIssues, selectorQuery } from './resources/selector.ts';
export type { WatchEvent } from './resources/watch-events.ts';
export { watchOnce } from './resources/watch-once.ts';
