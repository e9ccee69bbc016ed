import { TrigateError } from '../../domain/errors.ts';
import type { Writer } from '../writer.ts';
import type { Batch, EventTable, ReadLimit, StoredCoordinates } from './events.ts';
import type { GroupOwner, GroupTable, Predecessor, StoredGroup } from './groups.ts';
import { matches } from './names.ts';

/** A group as its owner works with it. One owner at a time: a closed or failed one can change nothing any more. */
export interface LogGroup {
  /** Events up to this one are decided on: claimed, dropped, or lost. */
  readonly position: number;
  readonly predecessor: Predecessor;
  /** Takes the predecessor's claims and losses as counted: they go, and the owner's counts come, in one transaction. */
  adopt(): Promise<void>;
  /** Events that match, after a sequence number. */
  read(after: number, limit: ReadLimit): Batch;
  /**
   * Claims these events, and moves the position: all up to `through` is decided on. Resolves when it is on the disk.
   * @throws TrigateError CLAIM_IN_DOUBT: nothing may be sent, and the group is closed
   */
  claim(seqs: readonly number[], through: number): Promise<void>;
  /** All up to `through` is decided on, nothing of it claimed. Stored within 100 ms, or with the next claim. */
  skip(through: number): void;
  /** This claimed event has its outcome. Stored within 100 ms, or with the next claim. */
  settle(seq: number): void;
  /** Stores what is left. Afterwards nothing of this handle reaches the file. Idempotent. */
  close(): void;
}

/** The side that the log itself works with. */
export interface OpenGroup {
  readonly id: number;
  readonly handle: LogGroup;
  wants(topic: string): boolean;
  published(): void;
  lost(events: readonly StoredCoordinates[]): void;
  /** Puts what has changed into the transaction that runs. */
  carry(): void;
  committed(): void;
  rolledBack(error: Error): void;
}

/** `active` → `closed` by its owner; `active` → `failed` by a transaction that did not stand. Neither leads back. */
type State = 'active' | 'failed' | 'closed';

export interface GroupParts {
  readonly table: GroupTable;
  readonly events: EventTable;
  readonly writer: Writer;
  /** The highest sequence number that is committed. */
  head(): number;
  closed(group: OpenGroup): void;
}

export function openGroup(
  stored: StoredGroup,
  functions: readonly string[],
  owner: GroupOwner,
  parts: GroupParts,
): OpenGroup {
  const { table, events, writer } = parts;
  const { id, filter } = stored;
  let state: State = 'active';
  let position = stored.position;
  let claimed: number[] = [];
  let settled: number[] = [];
  let changed = false;
  let carried = false;
  let adopting = false;

  function change(through?: number): void {
    if (state !== 'active')
      throw new TrigateError('CLAIM_IN_DOUBT', `the position of this group is not ours: ${state}`);
    if (through !== undefined) position = Math.max(position, through);
    changed = true;
  }

  /**
   * Until the next transaction stands. What has changed may go with an earlier one, which takes some of the writes that wait;
   * when that one did not stand, the group has failed.
   */
  async function carriedOver(otherwise: string): Promise<void> {
    try {
      await writer.write(() => undefined);
    } catch (cause) {
      throw new TrigateError('CLAIM_IN_DOUBT', otherwise, { cause });
    }
    if (state === 'failed') throw new TrigateError('CLAIM_IN_DOUBT', otherwise);
  }

  const handle: LogGroup = {
    get position() {
      return position;
    },
    predecessor: table.predecessor(id),
    adopt() {
      change();
      adopting = true;
      return carriedOver('what was left in doubt could not be taken over in the topic log');
    },
    read: (after, limit) => events.read(filter, after, parts.head(), limit),
    async claim(seqs, through) {
      change(through);
      claimed.push(...seqs);
      await carriedOver('the claim could not be stored in the topic log');
    },
    skip(through) {
      change(through);
      writer.soon();
    },
    settle(seq) {
      if (state !== 'active') return;
      change();
      settled.push(seq);
      writer.soon();
    },
    close() {
      if (state === 'closed') return;
      if (state === 'active' && changed) writer.flush();
      state = 'closed';
      parts.closed(group);
    },
  };

  const group: OpenGroup = {
    id,
    handle,
    wants: (topic) => matches(filter, topic),
    published: () => owner.published(),
    lost(rows) {
      if (state !== 'active') return;
      owner.lost(rows);
      change();
      writer.soon();
    },
    carry() {
      if (!changed || state !== 'active') return;
      carried = true;
      if (adopting) table.adopt(id, functions);
      table.store({ id, position, claimed, settled, counts: owner.counts() });
    },
    committed() {
      if (!carried) return;
      carried = false;
      changed = false;
      adopting = false;
      claimed = [];
      settled = [];
    },
    rolledBack(error) {
      if (!carried) return;
      carried = false;
      state = 'failed';
      owner.failed(error);
    },
  };
  return group;
}
