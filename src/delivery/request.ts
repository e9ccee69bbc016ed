import type { Clock } from '../domain/clock.ts';
import type { Event } from '../domain/event.ts';
import { attributeText, fieldText, type HeaderText } from '../domain/header-text.ts';
import type { OutgoingRequest } from './call/call.ts';
import { detectContentType } from './content-type.ts';
import { DateTime, GoTime, IsoTime } from './time-format.ts';

/** Builds the request for an event, to a path. */
export type RequestBuilder = (event: Event, path: string) => OutgoingRequest;

export interface RequestOptions {
  /** `event-namespace`: `kafkatriggers.kubeless.io`. */
  readonly eventNamespace: string;
  /** `ce-type`, where the producer set none. */
  readonly eventType: string;
  readonly userAgent: string;
  /** How `event-time` is written, see `TriggerKind`. Default: go. */
  readonly eventTime?: 'go' | 'date' | undefined;
  /** See `OutgoingRequest`. */
  readonly keep: number;
  readonly clock: Clock;
}

/**
 * Kubeless' headers (kafka-trigger v1.1.0) and those of the CloudEvents HTTP binding in binary mode, side by side.
 * `event-id` is always ours; `ce-id` and the other attributes are the producer's where it set them.
 */
export function requestBuilder(options: RequestOptions): RequestBuilder {
  const { clock, keep } = options;
  const sentTime = options.eventTime === 'date' ? new DateTime() : new GoTime();
  const isoTime = new IsoTime();
  const common = new CommonHeaders(options);
  return (event, path) => {
    const { attributes } = event;
    const headers: string[] = [
      'event-id',
      event.id,
      'event-time',
      sentTime.format(clock.now()),
      'ce-id',
      attributes?.id ?? event.id,
      'ce-time',
      attributes?.time ?? isoTime.format(event.time),
    ];
    const subject = attributes?.subject ?? event.subject;
    if (subject !== undefined) headers.push('ce-subject', subject);
    if (attributes !== undefined) for (const field of attributes.extensions) headers.push(field[0], field[1]);
    for (const field of event.headers) headers.push(field[0], field[1]);
    return { method: event.method ?? 'POST', path, common: common.of(event), headers, body: event.data, keep };
  };
}

/** The headers that hardly change from event to event. Written anew only when one of them is another one. */
class CommonHeaders {
  readonly #options: RequestOptions;
  readonly #eventType: HeaderText;
  #contentType = '';
  #topic: string | undefined;
  #source: HeaderText | undefined;
  #type: HeaderText | undefined;
  #headers: readonly string[] | undefined;

  constructor(options: RequestOptions) {
    this.#options = options;
    this.#eventType = attributeText(options.eventType);
  }

  of({ contentType: given, data, topic, attributes, origin }: Event): readonly string[] {
    const contentType = given ?? detectContentType(data);
    const source = attributes?.source ?? origin;
    const type = attributes?.type ?? this.#eventType;
    const isSame = contentType === this.#contentType && topic === this.#topic && source === this.#source;
    if (this.#headers !== undefined && isSame && type === this.#type) return this.#headers;
    this.#contentType = contentType;
    this.#topic = topic;
    this.#source = source;
    this.#type = type;
    this.#headers = this.#write(source, type);
    return this.#headers;
  }

  #write(source: HeaderText, type: HeaderText): readonly string[] {
    const { userAgent, eventNamespace } = this.#options;
    const contentType = fieldText(this.#contentType);
    const headers = [
      'content-type',
      contentType,
      'user-agent',
      userAgent,
      'event-type',
      contentType,
      'event-namespace',
      eventNamespace,
      'ce-specversion',
      '1.0',
      'ce-source',
      source,
      'ce-type',
      type,
    ];
    if (this.#topic !== undefined) headers.push('event-topic', attributeText(this.#topic));
    return headers;
  }
}
