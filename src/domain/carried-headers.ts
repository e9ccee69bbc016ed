import type { IncomingEvent } from './cloudevents.ts';
import { fieldText, type HeaderField, headerSize, knownText } from './header-text.ts';

/*
 * A broker's message headers on their way to a function. Whoever may write to a topic writes them, so they must not be
 * taken for anything else: each gets a prefix of its own, and all of them together stay well below the 16 KiB at which
 * Node.js and others answer 431.
 */

const PREFIX = 'event-header-';
const MAX_HEADERS = 64;
const MAX_NAME_LENGTH = 128;
/** As bytes on the wire. */
const MAX_TOTAL_LENGTH = 8 * 1024;
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** W3C trace context is the same everywhere, and travels under its own names. */
const TRACE_CONTEXT = new Set(['traceparent', 'tracestate']);

/**
 * Name and value of the headers that a function gets, in their order. What does not fit, or whose name is not a token, is
 * left out, and its number is told in `event-headers-left-out`.
 */
export function carriedHeaders(incoming: Pick<IncomingEvent, 'headers' | 'leftOut'>): readonly HeaderField[] {
  const { headers } = incoming;
  let { leftOut } = incoming;
  if (headers.size + leftOut === 0) return NONE;
  const carried: HeaderField[] = [];
  let room = MAX_TOTAL_LENGTH;
  for (const [name, value] of headers) {
    const isTaken = carried.length < MAX_HEADERS && name.length <= MAX_NAME_LENGTH && TOKEN.test(name);
    // What is percent-encoded grows ninefold at most; what is too long as it is need not be encoded.
    const text = isTaken && value.length <= room ? fieldText(value) : undefined;
    const carriedName = TRACE_CONTEXT.has(name) ? name : PREFIX + name;
    if (text === undefined || headerSize(carriedName, text) > room) {
      leftOut++;
      continue;
    }
    room -= headerSize(carriedName, text);
    carried.push([carriedName, text]);
  }
  if (leftOut > 0) carried.push(['event-headers-left-out', knownText(String(leftOut))]);
  return carried;
}

const NONE: readonly HeaderField[] = [];
