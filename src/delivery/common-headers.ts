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
/** Where hardly any is used again (a subject for each device) keeping them costs more than it saves: so many are not looked for. */
const UNKEPT_LISTS = 1_024;

/** The headers that many events have in common. The same list for the same values. */
export class CommonHeaders {
  readonly #options: CommonOptions;
  readonly #eventType: HeaderText;
  readonly #kept = new Map<string, readonly string[]>();
  /** How often one of them was used again. */
  #uses = 0;
  #unkept = 0;
  #contentType = '';
  #topic: string | undefined;
  #source: HeaderText | undefined;
  #type: HeaderText | undefined;
  #headers: readonly string[] | undefined;

  constructor(options: CommonOptions) {
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
    this.#headers = this.#find(source, type);
    return this.#headers;
  }

  #find(source: HeaderText, type: HeaderText): readonly string[] {
    if (this.#unkept > 0) {
      this.#unkept--;
      return this.#write(source, type);
    }
    const key = this.#keyOf(source, type);
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#uses++;
      return known;
    }
    if (this.#kept.size === KEPT_LISTS) this.#forget();
    const headers = this.#write(source, type);
    this.#kept.set(key, headers);
    return headers;
  }

  /** Source and type hold no line ends; what others may hold is told by its length. */
  #keyOf(source: HeaderText, type: HeaderText): string {
    const topic = this.#topic === undefined ? '' : `=${this.#topic}`;
    return `${source}\n${type}\n${topic.length}${topic}${this.#contentType}`;
  }

  #forget(): void {
    this.#kept.clear();
    if (this.#uses < KEPT_LISTS) this.#unkept = UNKEPT_LISTS;
    this.#uses = 0;
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
