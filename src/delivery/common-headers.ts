import type { Event } from '../domain/event.ts';
import { attributeText, fieldText, type HeaderText } from '../domain/header-text.ts';
import { detectContentType } from './content-type.ts';

/** What all events of a subscription have in common. */
export interface CommonOptions {
  /** `event-namespace`: `kafkatriggers.kubeless.io`. */
  readonly eventNamespace: string;
  /** `ce-type`, where the producer set none. */
  readonly eventType: string;
  readonly userAgent: string;
}

/** Lists that are kept: a topic may hold events of several types and sources, and a NATS trigger read several subjects. */
const KEPT_LISTS = 64;
/** Longer ones are not kept: their parts are others' text, and may be as long as a message. */
const KEPT_LENGTH = 1_024;
/** Where hardly any is used again (a subject for each device) it costs more to keep them: then so many are made without a look. */
const UNKEPT_LISTS = 1_024;

interface Values {
  readonly contentType: string;
  readonly topic: string | undefined;
  readonly source: HeaderText;
  readonly type: HeaderText;
}

interface List extends Values {
  readonly headers: readonly string[];
}

/** The headers that many events have in common. The same list for the same values. */
export class CommonHeaders {
  readonly #options: CommonOptions;
  readonly #eventType: HeaderText;
  readonly #kept = new Map<string, List>();
  /** How often one of them was used again. */
  #uses = 0;
  #unkept = 0;
  #last: List | undefined;

  constructor(options: CommonOptions) {
    this.#options = options;
    this.#eventType = attributeText(options.eventType);
  }

  of({ contentType: given, data, topic, attributes, origin }: Event): readonly string[] {
    const contentType = given ?? detectContentType(data);
    const source = attributes?.source ?? origin;
    const type = attributes?.type ?? this.#eventType;
    const last = this.#last;
    const isSame = last?.contentType === contentType && last.topic === topic && last.source === source;
    if (isSame && last.type === type) return last.headers;
    this.#last = this.#find({ contentType, topic, source, type });
    return this.#last.headers;
  }

  #find(values: Values): List {
    if (this.#unkept > 0) {
      this.#unkept--;
      return this.#make(values);
    }
    const key = keyOf(values);
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#uses++;
      return known;
    }
    const list = this.#make(values);
    if (key.length > KEPT_LENGTH) return list;
    if (this.#kept.size >= KEPT_LISTS) this.#forget();
    this.#kept.set(key, list);
    return list;
  }

  #forget(): void {
    this.#kept.clear();
    if (this.#uses < KEPT_LISTS) this.#unkept = UNKEPT_LISTS;
    this.#uses = 0;
  }

  #make(values: Values): List {
    const { userAgent, eventNamespace } = this.#options;
    const { topic, source, type } = values;
    const contentType = fieldText(values.contentType);
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
    if (topic !== undefined) headers.push('event-topic', attributeText(topic));
    return { ...values, headers };
  }
}

/** Source and type hold no line ends; of what others may hold one says how long it is. */
function keyOf({ contentType, topic, source, type }: Values): string {
  const place = topic === undefined ? '' : `=${topic}`;
  return `${source}\n${type}\n${place.length}${place}${contentType}`;
}
