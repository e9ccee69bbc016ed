import type { DroppedReason } from '../../src/sdk.ts';
import type { Backlog } from './backlog.ts';
import type { Change } from './change.ts';
import { type Decision, judge, nothing, type ObjectNames } from './decision.ts';
import { copyOf, has, type Position, resumeFrom, Standing } from './position.ts';
import type { KubernetesTriggerSpec } from './spec.ts';
import { compareVersions } from './version.ts';

/** A position, and the time of it: milliseconds since the epoch. */
export interface Cursor extends Position {
  readonly time: number;
}

/**
 * One trigger's place in the backlog of its watch. Everything before it is decided on: claimed, dropped, or filtered.
 *
 * Where the watch began anew, it may bring what this trigger has had: changes up to the version at which it stood then are
 * passed over without a count, and of that version itself those that it has had. Until the backlog holds what it needs it
 * sees nothing.
 */
export class Hand {
  readonly #backlog: Backlog;
  readonly #names: ObjectNames;
  readonly #spec: KubernetesTriggerSpec;
  #place: number;
  #isServed: boolean;
  /** Had already. */
  #through: Position;
  /** Of the last change that was decided on. */
  #last: Standing;
  #time: number;

  /** @param isServed whether the backlog holds all that comes after `from` */
  constructor(backlog: Backlog, names: ObjectNames, spec: KubernetesTriggerSpec, from: Cursor, isServed: boolean) {
    this.#backlog = backlog;
    this.#names = names;
    this.#spec = spec;
    this.#place = backlog.start;
    this.#isServed = isServed;
    this.#through = copyOf(from);
    this.#last = new Standing(from);
    this.#time = from.time;
  }

  /** Everything up to here is decided on. */
  get cursor(): Cursor {
    const { head, end } = this.#backlog;
    const last = this.#last.position;
    const isBehind = compareVersions(resumeFrom(last), resumeFrom(head)) < 0;
    const isAtEnd = this.#isServed && this.#place >= end && isBehind;
    return { ...(isAtEnd ? head : last), time: this.#time };
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
    this.#through = copyOf(cursor);
    this.#last = new Standing(cursor);
    this.#time = cursor.time;
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
    const judgement = this.#judge(change);
    if (judgement === 'had') return;
    this.#last.pass(change);
    this.#time = change.facts.time;
    if (judgement === 'filtered') decision.filtered++;
    else if (judgement === 'too_large') decision.drop.push({ change, reason: 'too_large' });
    else if (reason === undefined) decision.claim.push(change);
    else decision.drop.push({ change, reason });
  }

  #judge(change: Change) {
    if (has(this.#through, change)) return 'had';
    return judge(change, this.#names, this.#spec);
  }
}
