import type { ProducerAttributes } from './event.ts';
import { attributeText } from './header-text.ts';

/*
 * Incoming CloudEvents 1.0, in the binary and in the structured mode of the protocol bindings. Their attributes are kept
 * as they are, in the form that a header takes. What is not a valid CloudEvent is a plain message: a gateway that drops it
 * would lose an event for a header.
 */

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
}

const STRUCTURED = /^application\/cloudevents\+json\s*(?:;|$)/i;
const CONTENT_TYPE = 'content-type';
/** Kafka's binding writes `ce_id`, those of HTTP and NATS `ce-id`. */
const ATTRIBUTE = /^ce[-_]([a-z0-9]{1,64})$/;

/** Most messages have no header that matters here; they cost a look at one of them. */
export function readCloudEvent(message: RawMessage): IncomingEvent {
  const { headers, data } = message;
  if (headers.size === 0) return { attributes: undefined, contentType: undefined, data, headers };
  const contentType = headers.get(CONTENT_TYPE);
  if (contentType !== undefined && STRUCTURED.test(contentType)) {
    return structured(message) ?? plain(message, contentType);
  }
  return binary(message, contentType) ?? plain(message, contentType);
}

function plain({ headers, data }: RawMessage, contentType: string | undefined): IncomingEvent {
  return { attributes: undefined, contentType, data, headers: without(headers, (name) => name === CONTENT_TYPE) };
}

function binary({ headers, data }: RawMessage, contentType: string | undefined): IncomingEvent | undefined {
  const found = new Map<string, string>();
  for (const [name, value] of headers) {
    const attribute = ATTRIBUTE.exec(name)?.[1];
    if (attribute !== undefined) found.set(attribute, value);
  }
  const attributes = attributesOf(found);
  if (attributes === undefined) return undefined;
  const rest = without(headers, (name) => name === CONTENT_TYPE || ATTRIBUTE.test(name));
  return { attributes, contentType, data, headers: rest };
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
  const attributes = attributesOf(found);
  if (attributes === undefined) return undefined;
  const contentType = found.get('datacontenttype') ?? 'application/json';
  const rest = without(headers, (name) => name === CONTENT_TYPE);
  return { attributes, contentType, data: payload(envelope, contentType), headers: rest };
}

/** JSON data are written anew, so their bytes may differ in white space; everything else is as it was. */
function payload(envelope: Readonly<Record<string, unknown>>, contentType: string): Uint8Array {
  const { data, data_base64: base64 } = envelope;
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  if (data === undefined) return new Uint8Array(0);
  const isJson = /^[^;]*[/+]json\s*(?:;|$)/i.test(contentType);
  return Buffer.from(typeof data === 'string' && !isJson ? data : JSON.stringify(data));
}

const CORE = new Set(['specversion', 'id', 'source', 'type', 'time', 'subject', 'datacontenttype']);

/** Undefined unless all that the specification requires is there. */
function attributesOf(found: ReadonlyMap<string, string>): ProducerAttributes | undefined {
  const [id, source, type] = [found.get('id'), found.get('source'), found.get('type')];
  if (found.get('specversion') !== '1.0' || !id || !source || !type) return undefined;
  const text = (value: string | undefined) => (value === undefined ? undefined : attributeText(value));
  const extensions = [...found]
    .filter(([name]) => !CORE.has(name))
    .map(([name, value]) => [`ce-${name}`, attributeText(value)] as const);
  return {
    id: text(id),
    source: text(source),
    type: text(type),
    time: text(found.get('time')),
    subject: text(found.get('subject')),
    extensions,
  };
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
