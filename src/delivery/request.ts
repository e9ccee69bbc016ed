import type { Clock } from '../domain/clock.ts';
import type { Event } from '../domain/event.ts';
import type { OutgoingRequest } from './call/call.ts';
import { CommonHeaders, type CommonOptions } from './common-headers.ts';
import { DateTime, GoTime, IsoTime } from './time-format.ts';

/** Builds the request for an event, to a path. */
export type RequestBuilder = (event: Event, path: string) => OutgoingRequest;

export interface RequestOptions extends CommonOptions {
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
