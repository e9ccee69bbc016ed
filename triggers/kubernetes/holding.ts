import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Deadline, Logger, Resources } from '../../src/sdk.ts';
import { Backlog, type Budget } from './backlog.ts';
import { Brake } from './brake.ts';
import type { Change } from './change.ts';
import { type MemberRow, type WatchRecord, withoutCauses } from './checkpoint.ts';
import { type CheckpointStore, type Found, orSmaller } from './checkpoint-store.ts';
import { Commits } from './commits.ts';
import type { Cursor } from './hand.ts';
import { KnownObjects } from './known-objects.ts';
import { assertRoom, type WatchLimits } from './limits.ts';
import { type Crashed, crashOf, type Member, restoreAccount, withCrash } from './member.ts';
import { type Position, resumeFrom, whole } from './position.ts';
import { Reader } from './reader.ts';
import { RestingRows } from './resting-rows.ts';
import { forgotten, ObjectStream } from './stream.ts';
import { currentVersion, notComparable, type WatchTarget } from './target.ts';
import { compareVersions, isComparable, isThrough, oldest } from './version.ts';

/** Outcomes, and what was dropped or filtered: stored after that time at the latest. */
const SETTLE_MS = 1_000;
/** A position that only moved on, so that the server will still know it after a restart. */
const MOVE_MS = 30_000;
const PAGE = 250;
/** A reader that decides on less than that part of a backlog in half a second is slow. */
const SLOW = 32;

export interface HoldingOptions {
  readonly resources: Resources;
  readonly target: WatchTarget;
  readonly store: CheckpointStore;
  readonly nonce: string;
  /** Milliseconds after which others take a silent holder for dead; undefined: there are no others. */
  readonly leaseMs: number | undefined;
  /** The server promises that resource versions can be compared. */
  readonly isComparable: boolean;
  readonly limits: WatchLimits;
  readonly budget: Budget;
  /** Of the contents of objects. */
  readonly contents: Budget;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Whether the servers answer: undefined when they do. */
  readonly onState: (error: Error | undefined) => void;
  /** The watch is another process's, or nothing can be stored. */
  readonly onLost: (error: Error) => void;
}

/**
 * The time in which this process holds a shared watch: it alone reads the stream and claims, for all members.
 *
 * Members are read from one backlog, each at its own pace; what they decide is stored together. A member that leaves keeps
 * its row; one that comes back behind what the backlog holds makes the stream begin anew at its position, where the others
 * pass over what they have had.
 */
export class Holding {
  readonly #options: HoldingOptions;
  readonly #backlog: Backlog;
  readonly #brake: Brake;
  readonly #known: KnownObjects;
  readonly #commits: Commits;
  readonly #stream: ObjectStream;
  readonly #readers = new Map<string, Reader>();
  /** Also paused ones. */
  readonly #attached = new Map<string, Member>();
  /** Of members that have left: resolves when nothing of theirs is claimed any more. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #rows: RestingRows;
  readonly #crashed: ReadonlyMap<string, Crashed>;
  readonly #ended = new AbortController();
  #writes: number;
  /** Everything after that version is in the backlog. */
  #since: string;
  #isBegun = false;
  #isWaking = false;
  /** More than this could not be stored. */
  #isFull = false;
  #now: Promise<string> | undefined;

  private constructor(options: HoldingOptions, record: WatchRecord, crashed: ReadonlyMap<string, Crashed>) {
    const { resources, target, clock, random, log, limits, budget, contents, leaseMs } = options;
    this.#options = options;
    this.#writes = record.writes;
    this.#since = resumeFrom(record.position);
    this.#rows = new RestingRows(record, { most: limits.leftRows, keepMs: limits.leftMs, clock });
    this.#crashed = crashed;
    this.#known = new KnownObjects({ most: limits.objects, mostBytes: limits.contentBytes, budget: contents });
    this.#backlog = new Backlog({ most: limits, budget, onForget: (change, place) => this.#forget(change, place) });
    this.#brake = new Brake({
      isPressed: () => this.#isPressed,
      lag: () => this.#lag,
      pace: limits.changes / SLOW,
      clock,
    });
    this.#commits = new Commits({
      write: () => this.#write(options.nonce),
      onFailed: (error) => options.onLost(error),
      atLeastEvery: leaseMs === undefined ? undefined : leaseMs / 3,
      clock,
    });
    this.#stream = new ObjectStream({
      resources,
      type: target.type,
      scope: target.scope,
      known: this.#known,
      isComparable: options.isComparable,
      mostChanges: limits.changes,
      heardAt: record.time,
      clock,
      random,
      log,
      signal: this.#ended.signal,
      oldestPosition: () =>
        oldest([...this.#readers.values()].map(({ cursor }) => resumeFrom(cursor))) ?? resumeFrom(this.#position),
      head: () => resumeFrom(this.#backlog.head),
      onExpired: (position) => this.#expired(position),
      onBegin: (position) => this.#begin(position),
      onChange: (change) => this.#append(change),
      hold: (signal) => this.#brake.hold(signal),
      onPassed: (version) => this.#passed(version),
      onGap: (cause) => this.#gap(cause),
      onState: options.onState,
    });
  }

  /**
   * Makes the watch ours: counts what a dead holder has left in doubt, and stores that before anything is read.
   * @param isAlive whether a member may still come back
   * @throws Superseded when another process was faster
   */
  static async take(options: HoldingOptions, found: Found, isAlive: (key: string) => boolean): Promise<Holding> {
    const { store, nonce, clock } = options;
    const position = found.record?.position ?? whole(await currentVersion(options.resources, options.target));
    const crashed = new Map<string, Crashed>();
    const members = new Map<string, MemberRow>();
    for (const [key, row] of found.record?.members ?? []) {
      if (!isAlive(key)) continue;
      const { record } = found;
      const at = { at: row.at ?? position, since: row.since ?? record?.time ?? clock.now() };
      const lost = crashOf(row, record?.settled ?? position.version, position.version);
      if (lost !== undefined) crashed.set(key, lost);
      members.set(key, { ...row, ...at, functions: lost === undefined ? row.functions : withCrash(row, lost) });
    }
    const record: WatchRecord = {
      holder: nonce,
      writes: (found.record?.writes ?? 0) + 1,
      position,
      settled: resumeFrom(position),
      time: found.record?.time ?? clock.now(),
      members,
      left: found.record?.left,
    };
    await orSmaller(store.takeOver(found, record), () => store.write(withoutCauses(record)));
    return new Holding(options, record, crashed);
  }

  has(key: string): boolean {
    return this.#attached.has(key);
  }

  reader(key: string): Reader | undefined {
    return this.#readers.get(key);
  }

  /**
   * Resolves when the position of the member is stored. A paused one holds its position, and reads nothing.
   * @param isWanted false when it has left meanwhile
   */
  async attach(member: Member, isWanted: () => boolean): Promise<void> {
    const { key, subscription } = member;
    assertRoom([...this.#attached.values()], member, this.#options.limits);
    // A claim that its predecessor left on its way changes the row until it is answered.
    await this.#leaving.get(key);
    const row = this.#rows.get(key) ?? (await this.#newRow(member));
    if (this.#ended.signal.aborted || this.#attached.has(key) || !isWanted()) return;
    this.#attached.set(key, member);
    const reader = this.#readerOf(member, this.#rows.withoutLeft(row, subscription.functions));
    restoreAccount(member, reader.counts, this.#crashed.get(key));
    if (subscription.spec.paused) {
      this.#rows.set(key, reader.row(undefined));
      return this.#commits.commit();
    }
    this.#rows.delete(key);
    this.#readers.set(key, reader);
    const mustLearn = reader.keepsOldObjects && !this.#known.keepsContent;
    this.#known.keepsContent ||= reader.keepsOldObjects;
    if (mustLearn || !this.#serves(reader.cursor)) this.#stream.rewind();
    await this.#commits.commit();
    reader.start();
  }

  #readerOf({ subscription, context, names, makeEvent }: Member, row: MemberRow): Reader {
    const from = { ...(row.at ?? this.#position), time: row.since ?? context.clock.now() };
    return new Reader({
      subscription,
      context,
      names,
      makeEvent,
      backlog: this.#backlog,
      row,
      from,
      isServed: this.#serves(from),
      listAt: this.#listAt,
      commit: () => {
        this.#brake.look();
        return this.#commits.commit();
      },
      soon: () => {
        this.#brake.look();
        this.#commits.within(SETTLE_MS);
      },
    });
  }

  /** Resolves when what it passed is settled, or at the deadline. */
  async detach(key: string, deadline: Deadline): Promise<void> {
    const reader = this.#readers.get(key);
    this.#attached.delete(key);
    if (reader === undefined) return;
    const ended = reader.ended.then(() => void (this.#leaving.get(key) === ended && this.#leaving.delete(key)));
    this.#leaving.set(key, ended);
    await reader.stopped(deadline);
    if (this.#readers.get(key) !== reader) return;
    this.#readers.delete(key);
    this.#rows.set(key, reader.row(undefined));
    await this.#commits.by(deadline);
  }

  /** Reads until `close` or `abandon`. */
  run(): Promise<void> {
    return this.#stream.run().finally(() => this.#known.clear());
  }

  /** Another process holds the watch. */
  abandon(): void {
    this.#ended.abort();
    for (const reader of this.#readers.values()) reader.abandon();
    this.#readers.clear();
    void this.#commits.close();
    this.#backlog.restart(whole(''));
  }

  /** Gives the watch back. Every member has left. @param isOver nobody will come back to it */
  async close(isOver: boolean): Promise<void> {
    this.#ended.abort();
    await this.#commits.close();
    this.#backlog.restart(this.#position);
    await this.#write('');
    if (isOver) await this.#options.store.remove();
  }

  get rows(): Iterable<string> {
    return [...this.#rows.keys(), ...this.#readers.keys()];
  }

  #write(holder: string): Promise<void> {
    const writes = ++this.#writes;
    this.#rows.fold((key) => this.#attached.has(key));
    return orSmaller(this.#options.store.write(this.#record(holder, writes)), () => {
      this.#isFull = true;
      this.#rows.fold((key) => this.#attached.has(key), 0);
      return this.#options.store.write(this.#record(holder, writes));
    });
  }

  #record(holder: string, writes: number): WatchRecord {
    const position = this.#position;
    const readers = [...this.#readers];
    const record: WatchRecord = {
      holder,
      writes,
      position,
      settled: oldest(readers.map(([, { settled }]) => settled)) ?? resumeFrom(position),
      time: this.#stream.heardAt,
      members: new Map([...this.#rows.all(), ...readers.map(([key, reader]) => [key, reader.row(position)] as const)]),
      left: this.#rows.left,
    };
    return this.#isFull ? withoutCauses(record) : record;
  }

  async #newRow({ subscription: { trigger, spec } }: Member): Promise<MemberRow> {
    this.#now ??= currentVersion(this.#options.resources, this.#options.target).finally(() => {
      this.#now = undefined;
    });
    const at = await this.#now;
    return {
      trigger: trigger.name,
      at: whole(at),
      since: this.#options.clock.now(),
      walk: spec.includeExisting ? { at, newerThan: undefined, done: 0 } : undefined,
      gaps: undefined,
      functions: new Map(),
    };
  }

  /** Whether the backlog has all that this reader has not had. */
  #serves(cursor: Cursor): boolean {
    return this.#isBegun && isThrough(this.#since, resumeFrom(cursor));
  }

  get #position(): Position {
    return this.#isBegun ? this.#backlog.head : whole(this.#since);
  }

  /** All readers have more than enough to do, and the backlog would have to forget some of it. */
  get #isPressed(): boolean {
    return this.#backlog.isNearlyFull && this.#lag > (this.#backlog.end - this.#backlog.start) / 2;
  }

  /** Changes that even the fastest reader has yet to decide on. */
  get #lag(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { lag } of this.#readers.values()) least = Math.min(least, lag);
    return Number.isFinite(least) ? least : 0;
  }

  #begin(position: string): void {
    const readers = [...this.#readers.values()];
    for (const reader of readers) reader.hold();
    this.#backlog.restart(whole(position));
    for (const reader of readers) reader.restarted();
    this.#since = position;
    this.#isBegun = true;
    if (!readers.every(({ cursor }) => this.#serves(cursor))) this.#stream.rewind();
  }

  #append(change: Change): boolean {
    const { resourceVersion } = change.facts;
    if (!isComparable(resourceVersion)) throw notComparable(this.#options.target, resourceVersion);
    const isNew = this.#backlog.append(change);
    if (isNew) void this.#wakeAll();
    return isNew;
  }

  /** A burst wakes everybody once. */
  async #wakeAll(): Promise<void> {
    if (this.#isWaking) return;
    this.#isWaking = true;
    await nextTurn();
    this.#isWaking = false;
    for (const reader of this.#readers.values()) reader.wake();
  }

  #forget(change: Change, place: number): void {
    this.#since = change.facts.resourceVersion;
    for (const reader of this.#readers.values()) reader.forget(change, place);
  }

  #passed(version: string): void {
    if (compareVersions(version, resumeFrom(this.#backlog.head)) <= 0) return;
    this.#backlog.moveTo(version);
    this.#commits.within(MOVE_MS);
  }

  #gap(cause: string): void {
    const gap = { from: this.#stream.heardAt, to: this.#options.clock.now(), cause };
    for (const reader of this.#readers.values()) reader.lost(gap, undefined);
    this.#commits.within(SETTLE_MS);
    this.#options.onState(undefined);
  }

  /** Those that stand at a forgotten position go on from now, each by itself, unless all stand there. */
  async #expired(position: string): Promise<boolean> {
    const readers = [...this.#readers.values()];
    const behind = readers.filter(({ cursor }) => isThrough(resumeFrom(cursor), position));
    if (behind.length === readers.length) return false;
    const version = await currentVersion(this.#options.resources, this.#options.target);
    for (const reader of behind) {
      const gap = {
        from: reader.cursor.time,
        to: this.#options.clock.now(),
        cause: forgotten(resumeFrom(reader.cursor), version),
      };
      reader.lost(gap, { version, isComparable: this.#options.isComparable });
    }
    this.#commits.within(SETTLE_MS);
    return true;
  }

  #listAt = (at: string, next: string | undefined, signal: AbortSignal) => {
    const { resources, target } = this.#options;
    return resources.list(target.type, { ...target.scope, at, limit: PAGE, continue: next, signal });
  };
}
