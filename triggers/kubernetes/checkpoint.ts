import {
  type Counts,
  type Gap,
  type KubernetesObject,
  type ResourceType,
  type ServedType,
  specIssues,
  storedCounts,
  TrigateError,
  withoutZeros,
  z,
} from '../../src/sdk.ts';
import { type Position, partPattern, readPart, writePart } from './position.ts';

/*
 * One object for each shared watch. Its spec says what is watched; its status is the claim of all triggers that share it:
 *
 *   holder, writes     who has it, and how often it has been written: a holder that writes nothing more has died
 *   position, part     everything up to this resource version is decided on, for all members that do not say otherwise;
 *                      with a part: of this version itself only those objects' changes, see position.ts
 *   settled            everything up to this one has its outcome; what was claimed behind it is in doubt after a crash
 *   time               when the position was heard of
 *   members            by trigger uid and group:
 *     at, part, since    its own position where that is another one, and the time of that position
 *     existing           how many of the objects that it begins with, or catches up with, are decided on
 *     functions          counts: what is claimed and has no outcome is in doubt after a crash
 *     gaps               how many, and the last one
 *   left               counts of functions that have left and are not waited for any more, all together
 *
 * Every write replaces all of it by compare-and-swap, so that of any number of processes one claims, and one that was
 * away for a while finds out before it sends anything.
 */

export const watchCheckpointType: ResourceType = {
  group: 'kubeless.io',
  version: 'v1beta1',
  kind: 'WatchCheckpoint',
  plural: 'watchcheckpoints',
  singular: 'watchcheckpoint',
  shortNames: ['wcp'],
  namespaced: true,
};

/** What a shared watch watches, for people; its name is made from it. */
export const watchCheckpointSpec = z.strictObject({
  apiVersion: z.string().describe('API version of what is watched.'),
  kind: z.string().describe('Kind of what is watched.'),
  scope: z.string().describe('A namespace, or * for all.'),
  labelSelector: z.string().default('').describe('Which objects, by their labels.'),
  fieldSelector: z.string().default('').describe('Which objects, by fields.'),
  identity: z.string().describe('As whom it is watched.'),
  cluster: z.string().optional().describe('Which cluster is watched, where it is another one.'),
});
export type WatchCheckpointSpec = z.infer<typeof watchCheckpointSpec>;

export const watchCheckpointResource: ServedType = {
  ...watchCheckpointType,
  validate: (object) => specIssues(watchCheckpointSpec, object),
  columns: [
    { name: 'Kind', path: '.spec.kind', type: 'string' },
    { name: 'Scope', path: '.spec.scope', type: 'string' },
    { name: 'Position', path: '.status.position', type: 'string' },
    { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
  ],
};

export type WatchCheckpoint = KubernetesObject<WatchCheckpointSpec>;

/** A walk over the objects as they stood at a version, under way. */
export interface Walk {
  readonly at: string;
  /** Objects that are not newer are passed over. Undefined: a new trigger begins with all of them. */
  readonly newerThan: string | undefined;
  /** So many of them are decided on. */
  readonly done: number;
}

export interface Gaps {
  readonly count: number;
  readonly last: Gap;
}

export interface MemberRow {
  /** Name of the trigger, for people. */
  readonly trigger: string;
  /** Undefined: the position of the watch. */
  readonly at: Position | undefined;
  /** The time of `at`, milliseconds since the epoch as all times here. */
  readonly since: number | undefined;
  readonly walk: Walk | undefined;
  readonly gaps: Gaps | undefined;
  readonly functions: ReadonlyMap<string, Counts>;
}

export interface WatchRecord {
  /** Empty: it was given back. */
  readonly holder: string;
  readonly writes: number;
  readonly position: Position;
  readonly settled: string;
  readonly time: number;
  readonly members: ReadonlyMap<string, MemberRow>;
  /** Of functions that have no row any more. */
  readonly left: Counts | undefined;
}

const time = z.iso.datetime().transform((text) => Date.parse(text));
const version = z.string().regex(/^\d+$/);
const part = z.string().regex(partPattern).transform(readPart).optional();

const row = z.object({
  trigger: z.string(),
  at: version.optional(),
  part,
  since: time.optional(),
  existing: z.object({ at: version, newerThan: version.optional(), done: z.int().min(0) }).optional(),
  gaps: z.object({ count: z.int().min(1), from: time, to: time, cause: z.string() }).optional(),
  functions: z.record(z.string(), storedCounts),
});

const status = z.object({
  holder: z.string(),
  writes: z.int().min(0),
  position: version,
  part,
  settled: version,
  time,
  members: z.record(z.string(), row).default({}),
  left: storedCounts.optional(),
});

/**
 * Undefined where nothing was stored yet.
 * @throws TrigateError INTERNAL for what cannot be read: guessing could send an event twice
 */
export function readRecord({ metadata, status: value }: WatchCheckpoint): WatchRecord | undefined {
  if (value === undefined || value === null) return undefined;
  const { data } = status.safeParse(value);
  if (data === undefined) {
    const where = `the WatchCheckpoint ${metadata.namespace}/${metadata.name}`;
    throw new TrigateError(
      'INTERNAL',
      `The status of ${where} cannot be read; nothing is claimed. Delete it to begin anew.`,
    );
  }
  const members = new Map(
    Object.entries(data.members).map(([key, { trigger, at, part, since, existing, gaps, functions }]) => [
      key,
      {
        trigger,
        at: at === undefined ? undefined : { version: at, part },
        since,
        walk: existing && { at: existing.at, newerThan: existing.newerThan, done: existing.done },
        gaps: gaps && { count: gaps.count, last: { from: gaps.from, to: gaps.to, cause: gaps.cause } },
        functions: new Map(Object.entries(functions)),
      },
    ]),
  );
  const { position, part: ofPosition, left, ...rest } = data;
  return { ...rest, position: { version: position, part: ofPosition }, left, members };
}

/** The same with less to store: of a gap its time is kept, and not its cause. */
export const withoutCauses = ({ members, ...record }: WatchRecord): WatchRecord => ({
  ...record,
  members: new Map(
    [...members].map(([key, row]) => [
      key,
      { ...row, gaps: row.gaps && { ...row.gaps, last: { ...row.gaps.last, cause: NO_ROOM } } },
    ]),
  ),
});

const NO_ROOM = 'not kept: the checkpoint is full';

export function writeRecord({ members, position, left, ...record }: WatchRecord): object {
  return {
    ...record,
    position: position.version,
    ...partOf(position),
    time: iso(record.time),
    members: Object.fromEntries([...members].map(([key, member]) => [key, writeRow(member)])),
    ...(left !== undefined && { left: withoutZeros(left) }),
  };
}

function writeRow({ trigger, at, since, walk, gaps, functions }: MemberRow): object {
  return {
    trigger,
    ...(at !== undefined && { at: at.version, ...partOf(at) }),
    ...(since !== undefined && { since: iso(since) }),
    ...(walk !== undefined && { existing: walk }),
    ...(gaps !== undefined && {
      gaps: { count: gaps.count, from: iso(gaps.last.from), to: iso(gaps.last.to), cause: gaps.last.cause },
    }),
    functions: Object.fromEntries([...functions].map(([name, counts]) => [name, withoutZeros(counts)])),
  };
}

const partOf = ({ part }: Position) => part !== undefined && { part: writePart(part) };

const iso = (ms: number): string => new Date(ms).toISOString();
