import type { ProducerAttributes } from './event.ts';
import { attributeText, fieldText, type HeaderField, type HeaderText, headerSize } from './header-text.ts';

/*
 * Incoming CloudEvents 1.0, in the binary and in the structured mode of the protocol bindings. Their attributes are kept
 * as they are, in the form that a header takes. What is not a valid CloudEvent is a plain message: a gateway that drops it
 * would lose an event for a header. So is one whose attributes are too long for headers, or whose data are nested too deeply
 * to be written anew. Whatever a producer sends, nothing here throws.
 */

/** Bytes of all attributes, as headers. With `carriedHeaders` and ours they stay below the 16 KiB at which servers answer 431. */
const MAX_ATTRIBUTES_LENGTH = 4 * 1024;
/** With those, and ours, there are 99: Python's `http.client` and `http.server` take no more. */
const MAX_EXTENSIONS = 16;
/** As it stands in two headers. */
const MAX_CONTENT_TYPE_LENGTH = 256;

/** A message as it came from the broker. */
export interface RawMessage {
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly data: Uint8Array;
}

export interface IncomingEvent {
  /** Undefined for a plain message. */
  readonly attributes: ProducerAttributes | undefined;
  readonly contentType: string | undefined;
  readonly data: Uint8Array;
  /** Headers that are not part of the CloudEvent. */
  readonly headers: ReadonlyMap<string, string>;
  /** Extensions, and a content type, that are too long. */
  readonly leftOut: number;
}

const STRUCTURED = /^application\/cloudevents\+json\s*(?:;|$)/i;
const CONTENT_TYPE = 'content-type';
/** Kafka's binding writes `ce_id`, those of HTTP and NATS `ce-id`. */
const ATTRIBUTE = /^ce[-_]([a-z0-9]{1,64})$/;

/** Most messages have no header that matters here; they cost a look at one of them. */
export function readCloudEvent(message: RawMessage): IncomingEvent {
  const { headers, data } = message;
  if (headers.size === 0) return { attributes: undefined, contentType: undefined, data, headers, leftOut: 0 };
  const contentType = headers.get(CONTENT_TYPE);
  const isStructured = contentType !== undefined && STRUCTURED.test(contentType);
  return bounded((isStructured ? structured(message) : binary(message, contentType)) ?? plain(message, contentType));
}

function bounded(event: IncomingEvent): IncomingEvent {
  const { contentType, leftOut } = event;
  if (contentType === undefined || isShort(contentType)) return event;
  return { ...event, contentType: undefined, leftOut: leftOut + 1 };
}

const isShort = (contentType: string): boolean =>
  contentType.length <= MAX_CONTENT_TYPE_LENGTH && fieldText(contentType).length <= MAX_CONTENT_TYPE_LENGTH;

function plain({ headers, data }: RawMessage, contentType: string | undefined): IncomingEvent {
  const rest = without(headers, (name) => name === CONTENT_TYPE);
  return { attributes: undefined, contentType, data, headers: rest, leftOut: 0 };
}

function binary({ headers, data }: RawMessage, contentType: string | undefined): IncomingEvent | undefined {
  const found = new Map<string, string>();
  for (const [name, value] of headers) {
    const attribute = ATTRIBUTE.exec(name)?.[1];
    if (attribute !== undefined) found.set(attribute, value);
  }
  const read = attributesOf(found);
  if (read === undefined) return undefined;
  const rest = without(headers, (name) => name === CONTENT_TYPE || ATTRIBUTE.test(name));
  return { ...read, contentType, data, headers: rest };
}

function structured({ headers, data }: RawMessage): IncomingEvent | undefined {
  const envelope = parseObject(data);
  if (envelope === undefined) return undefined;
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(envelope)) {
    if (name === 'data' || name === 'data_base64' || !/^[a-z0-9]{1,64}$/.test(name)) continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      found.set(name, String(value));
  }
  const read = attributesOf(found);
  if (read === undefined) return undefined;
  const contentType = found.get('datacontenttype') ?? 'application/json';
  const body = payload(envelope, contentType);
  if (body === undefined) return undefined;
  return { ...read, contentType, data: body, headers: without(headers, (name) => name === CONTENT_TYPE) };
}

/** JSON data are written anew, so their bytes may differ in white space; everything else is as it was. */
function payload(envelope: Readonly<Record<string, unknown>>, contentType: string): Uint8Array | undefined {
  const { data, data_base64: base64 } = envelope;
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  if (data === undefined) return new Uint8Array(0);
  const isJson = /^[^;]*[/+]json\s*(?:;|$)/i.test(contentType);
  if (typeof data === 'string' && !isJson) return Buffer.from(data);
  try {
    return Buffer.from(JSON.stringify(data));
  } catch {
    // `parse` takes any depth, `stringify` some thousands: it calls itself.
    return undefined;
  }
}

const CORE = new Set(['specversion', 'id', 'source', 'type', 'time', 'subject', 'datacontenttype']);

/** Undefined unless all that the specification requires is there, and has room in headers. */
function attributesOf(found: ReadonlyMap<string, string>): Pick<IncomingEvent, 'attributes' | 'leftOut'> | undefined {
  if (found.get('specversion') !== '1.0' || !found.get('id') || !found.get('source') || !found.get('type'))
    return undefined;
  const room = new HeaderRoom();
  const text = (name: string) => room.take(name, found.get(name));
  const core = { id: text('id'), source: text('source'), type: text('type') };
  const optional = { time: text('time'), subject: text('subject') };
  if (room.leftOut > 0) return undefined;
  const extensions: HeaderField[] = [];
  for (const [name, value] of found) {
    if (CORE.has(name)) continue;
    const taken = extensions.length < MAX_EXTENSIONS ? room.take(name, value) : room.leave();
    if (taken !== undefined) extensions.push([`ce-${name}`, taken]);
  }
  return { attributes: { ...core, ...optional, extensions }, leftOut: room.leftOut };
}

/** What is left for attributes, and how many had no room. */
class HeaderRoom {
  leftOut = 0;
  #left = MAX_ATTRIBUTES_LENGTH;

  take(name: string, value: string | undefined): HeaderText | undefined {
    if (value === undefined) return undefined;
    // What is percent-encoded grows; what is too long as it is need not be encoded.
    const text = value.length <= this.#left ? attributeText(value) : undefined;
    const size = text === undefined ? Number.POSITIVE_INFINITY : headerSize(`ce-${name}`, text);
    if (size > this.#left) return this.leave();
    this.#left -= size;
    return text;
  }

  leave(): undefined {
    this.leftOut++;
  }
}

function parseObject(data: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const without = (headers: ReadonlyMap<string, string>, drop: (name: string) => boolean): ReadonlyMap<string, string> =>
  new Map([...headers].filter(([name]) => !drop(name)));
