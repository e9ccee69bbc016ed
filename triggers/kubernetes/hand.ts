import type { DroppedReason } from '../../src/sdk.ts';
import type { Backlog } from './backlog.ts';
import type { Change } from './change.ts';
import { type Decision, judge, nothing, type ObjectNames } from './decision.ts';
import type { KubernetesTriggerSpec } from './spec.ts';
import { isThrough } from './version.ts';

/** A position, and the time of it: milliseconds since the epoch. */
export interface Cursor {
  readonly version: string;
  readonly time: number;
}

/**
 * One trigger's place in the backlog of its watch. Everything before it is decided on: claimed, dropped, or filtered.
 *
 * Where the watch began anew, it may bring what this trigger has had: changes up to the version at which it stood then are
 * passed over without a count. Until the backlog holds what it needs it sees nothing.
 */
export class Hand {
  readonly #backlog: Backlog;
  readonly #names: ObjectNames;
  readonly #spec: KubernetesTriggerSpec;
  #place: number;
  #isServed: boolean;
  /** Had already. */
  #through: string;
  /** Of the last change that was decided on. */
  #last: Cursor;

  /** @param isServed whether the backlog holds all that comes after `from` */
  constructor(backlog: Backlog, names: ObjectNames, spec: KubernetesTriggerSpec, from: Cursor, isServed: boolean) {
    this.#backlog = backlog;
    this.#names = names;
    this.#spec = spec;
    this.#place = backlog.start;
    this.#isServed = isServed;
    this.#through = from.version;
    this.#last = from;
  }

  /** Everything up to here is decided on. */
  get cursor(): Cursor {
    const { head, end } = this.#backlog;
    const isAtEnd = this.#isServed && this.#place >= end && isThrough(this.#last.version, head);
    return isAtEnd ? { version: head, time: this.#last.time } : this.#last;
  }

  /** Changes that nobody has decided on. */
  get lag(): number {
    return Math.max(0, this.#backlog.end - this.#place);
  }

  /** The backlog is about to begin anew; call `restarted` when it has. */
  hold(): void {
    this.moveTo(this.cursor);
  }

  restarted(): void {
    this.#isServed = true;
    this.#place = this.#backlog.start;
  }

  /** What comes next is newer than that. */
  moveTo(cursor: Cursor): void {
    this.#through = cursor.version;
    this.#last = cursor;
  }

  /** How many wait for room, up to `most`, and since when the first one does (monotonic); undefined when none does. */
  waiting(most: number): { readonly count: number; readonly since: number } | undefined {
    let count = 0;
    let since = 0;
    for (let place = this.#place; place < this.#visibleEnd && count < most; place++) {
      const change = this.#backlog.at(place);
      if (change === undefined || this.#judge(change) !== 'wanted') continue;
      if (count++ === 0) since = change.facts.heardAt;
    }
    return count === 0 ? undefined : { count, since };
  }

  /** Decides on everything up to the first change for which there is no room. */
  take(room: number): Decision {
    return this.#decide((decision) => decision.claim.length < room);
  }

  /** Drops what has waited since then or longer. */
  expire(heardUntil: number, reason: DroppedReason): Decision {
    return this.#decide((_, change) => change.facts.heardAt <= heardUntil, reason);
  }

  /** The backlog forgets a change; nothing when that one is decided on already. */
  forget(change: Change, place: number): Decision {
    const decision = nothing();
    if (!this.#isServed || place < this.#place) return decision;
    this.#place = place + 1;
    this.#add(change, decision, 'overflow');
    return decision;
  }

  get #visibleEnd(): number {
    return this.#isServed ? this.#backlog.end : 0;
  }

  #decide(mayTake: (decision: Decision, change: Change) => boolean, reason?: DroppedReason): Decision {
    const decision = nothing();
    for (; this.#place < this.#visibleEnd; this.#place++) {
      const change = this.#backlog.at(this.#place);
      if (change === undefined) continue;
      if (this.#judge(change) === 'wanted' && !mayTake(decision, change)) break;
      this.#add(change, decision, reason);
    }
    return decision;
  }

  /** @param reason undefined: what is wanted is claimed */
  #add(change: Change, decision: Decision, reason: DroppedReason | undefined): void {
    const { resourceVersion: version, time } = change.facts;
    const judgement = this.#judge(change);
    if (judgement === 'had') return;
    this.#last = { version, time };
    if (judgement === 'filtered') decision.filtered++;
    else if (judgement === 'too_large') decision.drop.push({ change, reason: 'too_large' });
    else if (reason === undefined) decision.claim.push(change);
    else decision.drop.push({ change, reason });
  }

  #judge(change: Change) {
    if (isThrough(change.facts.resourceVersion, this.#through)) return 'had';
    return judge(change, this.#names, this.#spec);
  }
}
