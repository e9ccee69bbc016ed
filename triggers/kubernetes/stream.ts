import {
  type Clock,
  createBackoff,
  delay,
  type KubernetesObject,
  type Logger,
  pauseAfter,
  type Resources,
  type ResourceType,
  type Scope,
  TrigateError,
  type WatchEvent,
  watchOnce,
} from '../../src/sdk.ts';
import { Change, type ChangeFacts, identityOf, objectJson } from './change.ts';
import type { KnownObjects } from './known-objects.ts';
import { Relist } from './relist.ts';
import type { Verb } from './spec.ts';
import { before } from './version.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A watch that ended sooner and brought nothing was refused in a polite way. */
const BRIEF_WATCH_MS = 1_000;
const PAGE = 500;

export interface StreamOptions {
  readonly resources: Resources;
  readonly type: ResourceType;
  readonly scope: Scope;
  readonly known: KnownObjects;
  /** The server promises that resource versions of one type can be compared. */
  readonly isComparable: boolean;
  /** Changes of one list, at most. */
  readonly mostChanges: number;
  /** When whoever watched before heard of its last position: milliseconds since the epoch. */
  readonly heardAt: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Where to begin: the oldest position of all readers. */
  readonly oldestPosition: () => string;
  /** Everything up to here has been read: the next watch goes on behind it. */
  readonly head: () => string;
  /** The server has forgotten what happened after the oldest position. Answers whether other readers stand behind it. */
  readonly onExpired: (position: string) => Promise<boolean>;
  /** It begins at this position. */
  readonly onBegin: (position: string) => void;
  /** Answers whether it is new. */
  readonly onChange: (change: Change) => boolean;
  /** Asked after each change of a watch: what it promises is waited for before more is read. */
  readonly hold: (signal: AbortSignal) => Promise<void> | undefined;
  /** Everything up to this version has been told. */
  readonly onPassed: (version: string) => void;
  /** What happened since the last word is not known, but for the changes that are told next. */
  readonly onGap: (cause: string) => void;
  /** Whether the server answers: undefined when it does. */
  readonly onState: (error: TrigateError | undefined) => void;
}

/**
 * The list+watch loop of one shared watch.
 *
 *   beginning  lists the objects exactly as they stood at the oldest position: what is known from then on. Too old (410):
 *              the readers that stand there are helped one by one, or, when all stand there, relisting.
 *   watching   from the head on. Ended by the server: again, at once. 410: relisting. Any other failure, silence, or "too
 *              large resource version" (a server that lags behind the one before): pauses, then goes on where it was.
 *   relisting  lists what there is now, as a stream where the server can, else by pages, and tells, as collapsed changes,
 *              what differs from what was known; or, where versions can be compared, what is newer than the head. In any
 *              case a gap: what happened and left no trace is gone. Then watching, behind the list.
 *
 * `rewind` goes back to beginning, for a reader that joins behind what the backlog holds.
 */
export class ObjectStream {
  readonly #options: StreamOptions;
  #state: 'beginning' | 'watching' | 'relisting' = 'beginning';
  #round = new AbortController();
  #heardAt: number;
  #hasProgress = false;
  /** Whether the server may know streaming lists. */
  #mayStream = true;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#heardAt = options.heardAt;
  }

  /** When the head was heard of: milliseconds since the epoch. */
  get heardAt(): number {
    return this.#heardAt;
  }

  rewind(): void {
    this.#state = 'beginning';
    this.#round.abort();
  }

  /** Resolves when the signal aborts. */
  async run(): Promise<void> {
    const { clock, random, signal } = this.#options;
    const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
    while (!signal.aborted) {
      this.#round = new AbortController();
      this.#hasProgress = false;
      const round = AbortSignal.any([signal, this.#round.signal]);
      const startedAt = clock.monotonic();
      try {
        const { state } = this;
        await this.#step(state, round);
        if (this.#hasProgress) backoff.reset();
        else if (state === 'watching' && clock.monotonic() - startedAt < BRIEF_WATCH_MS)
          await delay(clock, backoff.next(), round);
      } catch (thrown) {
        if (round.aborted) continue;
        // Anything else is a mistake in this program, and must not be hidden by trying again.
        if (!(thrown instanceof TrigateError)) throw thrown;
        if (this.#hasProgress) backoff.reset();
        if (thrown.code === 'EXPIRED' && this.state === 'watching') {
          this.#state = 'relisting';
          continue;
        }
        this.#options.onState(thrown);
        await delay(clock, pauseAfter(thrown, backoff), round);
      }
    }
  }

  get state() {
    return this.#state;
  }

  async #step(state: 'beginning' | 'watching' | 'relisting', signal: AbortSignal): Promise<void> {
    switch (state) {
      case 'beginning':
        return this.#begin(signal);
      case 'watching':
        return this.#watch(signal);
      case 'relisting':
        return this.#relist(signal);
      default:
        return state satisfies never;
    }
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { oldestPosition, onExpired, onBegin, known } = this.#options;
    const position = oldestPosition();
    try {
      await this.#learn(position, signal);
    } catch (thrown) {
      if (!(thrown instanceof TrigateError) || thrown.code !== 'EXPIRED') throw thrown;
      known.clear();
      if (await onExpired(position)) return;
      signal.throwIfAborted();
      this.#state = 'relisting';
      onBegin(position);
      return;
    }
    signal.throwIfAborted();
    this.#state = 'watching';
    onBegin(position);
  }

  /** What there was at that position. */
  async #learn(at: string, signal: AbortSignal): Promise<void> {
    const { resources, type, scope, known } = this.#options;
    known.clear();
    let next: string | undefined;
    do {
      const page = await resources.list(type, { ...scope, at, limit: PAGE, continue: next, signal });
      for (const object of page.items) known.put(identityOf(object), versionOf(object), objectJson(object));
      next = page.continue;
    } while (next !== undefined);
    known.completed();
  }

  #watch(signal: AbortSignal): Promise<void> {
    const { head, onState } = this.#options;
    return this.#watchFrom(
      head(),
      signal,
      () => onState(undefined),
      (event) => this.#heard(event, signal),
    );
  }

  #watchFrom(
    resourceVersion: string | undefined,
    signal: AbortSignal,
    onOpen: () => void,
    onEvent: (event: WatchEvent) => Promise<void> | undefined,
  ): Promise<void> {
    const { resources, type, scope, clock, random } = this.#options;
    return watchOnce(resources, type, {
      scope,
      resourceVersion,
      clock,
      random,
      signal,
      onOpen,
      // A server may go on sending what it had written when we turned away.
      onEvent: (event) => (signal.aborted ? undefined : onEvent(event)),
    });
  }

  #heard(event: WatchEvent, signal: AbortSignal): Promise<void> | undefined {
    const { clock, onPassed, onChange, hold } = this.#options;
    this.#heardAt = clock.now();
    if (event.type === 'BOOKMARK') {
      this.#hasProgress = true;
      // Of that version itself there may be more to come.
      onPassed(before(event.resourceVersion));
      return undefined;
    }
    if (!onChange(this.#changeOf(event))) return undefined;
    this.#hasProgress = true;
    return hold(signal);
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { known, isComparable, mostChanges, head } = this.#options;
    const newerThan = isComparable ? head() : undefined;
    const relist = new Relist({ known, newerThan, since: this.#heardAt, most: mostChanges });
    try {
      await (this.#mayStream ? this.#relistByStream(relist, signal) : this.#relistByPages(relist, signal));
    } finally {
      relist.drop();
    }
  }

  /** The watch goes on behind the list. */
  async #relistByStream(relist: Relist, signal: AbortSignal): Promise<void> {
    let isListed = false;
    const onEvent = (event: WatchEvent) => {
      if (isListed) return this.#heard(event, signal);
      if (event.type === 'DELETED') relist.gone(identityOf(event.object).uid);
      else if (event.type !== 'BOOKMARK') relist.see(event.object);
      else if (event.endsInitial) {
        isListed = true;
        this.#relisted(relist, event.resourceVersion);
      }
      return undefined;
    };
    try {
      await this.#watchFrom(undefined, signal, () => {}, onEvent);
    } catch (thrown) {
      if (isListed || !isRefused(thrown)) throw thrown;
    } finally {
      // It does not stream, or not to the end: pages from now on.
      if (!isListed && !signal.aborted) this.#mayStream = false;
    }
  }

  async #relistByPages(relist: Relist, signal: AbortSignal): Promise<void> {
    const { resources, type, scope } = this.#options;
    let next: string | undefined;
    do {
      const page = await resources.list(type, { ...scope, limit: PAGE, continue: next, signal });
      for (const object of page.items) relist.see(object);
      next = page.continue;
      if (next === undefined) this.#relisted(relist, page.resourceVersion);
    } while (next !== undefined);
  }

  #relisted(relist: Relist, version: string): void {
    const { clock, head, onChange, onGap, onPassed } = this.#options;
    const found = relist.end(version);
    onGap(forgotten(head(), version));
    for (const facts of found) onChange(new Change({ ...facts, ...this.#now() }));
    this.#heardAt = clock.now();
    this.#hasProgress = true;
    onPassed(version);
    this.#state = 'watching';
  }

  #changeOf({ type, object }: Exclude<WatchEvent, { type: 'BOOKMARK' }>): Change {
    const { known } = this.#options;
    const identity = identityOf(object);
    const json = objectJson(object);
    const oldJson = known.get(identity.uid)?.json;
    if (type === 'DELETED') known.remove(identity.uid);
    else known.put(identity, versionOf(object), json);
    const facts: Omit<ChangeFacts, 'time' | 'heardAt'> = {
      ...identity,
      verb: VERBS[type],
      origin: 'watched',
      resourceVersion: versionOf(object),
      json,
      oldJson,
    };
    return new Change({ ...facts, ...this.#now() });
  }

  #now() {
    const { clock } = this.#options;
    return { time: clock.now(), heardAt: clock.monotonic() };
  }
}

/** Servers without streaming lists do not know their parameters. */
const isRefused = (thrown: unknown): boolean =>
  thrown instanceof TrigateError && (thrown.code === 'INVALID_ARGUMENT' || thrown.code === 'INVALID_MANIFEST');

/** Why there is a gap. */
export const forgotten = (from: string, to: string): string =>
  `the API server has forgotten what happened between the versions ${from} and ${to} (410 Gone)`;

const VERBS: Readonly<Record<'ADDED' | 'MODIFIED' | 'DELETED', Verb>> = {
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
};

const versionOf = ({ metadata }: KubernetesObject): string => metadata.resourceVersion ?? '';
