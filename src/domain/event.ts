import { hash, randomBytes } from 'node:crypto';
import type { HeaderField, HeaderText } from './header-text.ts';

declare const eventIdBrand: unique symbol;

/**
 * 15 base64url characters (Kubeless' `event-id`): the same occurrence has the same id for ever.
 * None begins with `-`: a command line would take it for a flag.
 */
export type EventId = string & { readonly [eventIdBrand]: true };

const EVENT_ID_LENGTH = 15;

function ofBase64(text: string): EventId {
  return (text.startsWith('-') ? `_${text.slice(1, EVENT_ID_LENGTH)}` : text.slice(0, EVENT_ID_LENGTH)) as EventId;
}

/**
 * The id of an occurrence that has coordinates at its source.
 * @param identity what the coordinates are relative to (cluster and topic, log, schedule)
 * @param coordinates where it stands there, with the broker's timestamp, so that a recreated topic does not collide
 */
export function eventId(identity: string, coordinates: string): EventId {
  return ofBase64(hash('sha256', `${identity}\n${coordinates}`, 'base64url'));
}

/** They are fifteen characters, exactly: a part of a longer text would keep that with it. */
const RANDOM_BYTES = 11;
/** Bytes for many ids at once: to ask the system for them costs more than all else that is done to receive an event. */
let random = Buffer.alloc(0);
let used = 0;

/** The id of an occurrence without coordinates (core NATS): given once, at receipt. */
export function randomEventId(): EventId {
  if (used === random.length) {
    random = randomBytes(256 * RANDOM_BYTES);
    used = 0;
  }
  const id = random.toString('base64url', used, used + RANDOM_BYTES);
  used += RANDOM_BYTES;
  return ofBase64(id);
}

/** Stands for the id of an event of which only the coordinates are known. */
export const unknownEventId = '' as EventId;

/** Where an event stands at its source. Shown in the feed; never used to route. */
export type SourceCoordinates =
  | { readonly type: 'kafka'; readonly topic: string; readonly partition: number; readonly offset: string }
  /** Stream and sequence: only of JetStream. */
  | { readonly type: 'nats'; readonly subject: string; readonly stream?: string; readonly sequence?: number }
  | { readonly type: 'log'; readonly topic: string; readonly offset: number }
  /** A change of an object. Of one that was only found in a claim no more is known than between which versions it lay. */
  | {
      readonly type: 'kubernetes';
      /** `pods`, `deployments.apps` */
      readonly resource: string;
      /** Empty for one without a namespace. */
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
      readonly resourceVersion: string;
      readonly change: 'added' | 'modified' | 'deleted' | 'unknown';
    }
  /** The scheduled time (RFC 3339); `byHand`: a person fired it, at that time. */
  | { readonly type: 'cronjob'; readonly schedule: string; readonly tick: string; readonly byHand?: true };

/** CloudEvents attributes that the producer itself set; they replace ours, except `event-id`. */
export interface ProducerAttributes {
  readonly id: HeaderText | undefined;
  readonly source: HeaderText | undefined;
  readonly type: HeaderText | undefined;
  readonly time: HeaderText | undefined;
  readonly subject: HeaderText | undefined;
  /** Extension attributes: `ce-` and their lower-case names. */
  readonly extensions: readonly HeaderField[];
}

/**
 * What events with one key have in common: a 32-bit hash of the key. Two keys that collide are kept in order
 * with each other, which costs a little parallelism and nothing else. `null`: no order asked.
 */
export type OrderKey = number | null;

/** One thing that a source produced once. Immutable. */
export interface Event {
  readonly id: EventId;
  /** Publication at the broker, or receipt where the broker does not say: milliseconds since the epoch. */
  readonly time: number;
  /** The topic or subject it came from: `event-topic`. Undefined: it came from none. */
  readonly topic: string | undefined;
  /** Default: POST. A GET has no data. */
  readonly method?: 'GET' | 'POST';
  /** `ce-source`, unless the producer set one. */
  readonly origin: HeaderText;
  /** `ce-subject`, unless the producer set one. */
  readonly subject: HeaderText | undefined;
  /** The producer's content type; without one, Kubeless' detection decides. */
  readonly contentType: string | undefined;
  readonly attributes: ProducerAttributes | undefined;
  /** What else the function gets as headers, with lower-case names. */
  readonly headers: readonly HeaderField[];
  readonly order: OrderKey;
  readonly data: Uint8Array;
  readonly coordinates: SourceCoordinates;
}

/** FNV-1a over the bytes of a key. */
export function orderKey(key: Uint8Array | string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    h ^= typeof key === 'string' ? key.charCodeAt(i) : (key[i] ?? 0);
    h = Math.imul(h, 0x01000193);
  }
  return h | 0;
}
