import {
  type Counts,
  noCounts,
  type Outcome,
  type ResourceType,
  type SourceContext,
  type Subscription,
} from '../../src/sdk.ts';
import { inDoubt } from './books.ts';
import type { Change } from './change.ts';
import type { MemberRow } from './checkpoint.ts';
import type { ObjectNames } from './decision.ts';
import { eventInDoubt, type KubernetesEvent } from './event.ts';
import type { KubernetesTriggerSpec } from './spec.ts';

/** One subscription among those that share a watch. */
export interface Member {
  /** Uid of the trigger and group: a trigger that is deleted and made again is another one. */
  readonly key: string;
  readonly subscription: Subscription<KubernetesTriggerSpec>;
  readonly context: SourceContext;
  readonly type: ResourceType;
  readonly names: ObjectNames;
  readonly makeEvent: (change: Change) => KubernetesEvent;
}

export function memberKey({ trigger, fanout, functions }: Subscription): string {
  return `${trigger.uid}/${fanout === 'shared' ? '*' : functions[0]}`;
}

/** What its row takes in what is stored, about: bytes, without the cause of a gap. */
export const rowSize = ({ key, subscription: { trigger, functions } }: Member): number =>
  ROW_BYTES + key.length + trigger.name.length + functions.reduce((sum, name) => sum + COUNTS_BYTES + name.length, 0);

const ROW_BYTES = 120;
const COUNTS_BYTES = 180;

/** Copies that a dead holder had claimed, by function, and between which positions they lay. */
export interface Crashed {
  readonly copies: ReadonlyMap<string, number>;
  readonly from: string;
  readonly through: string;
}

/** What a dead holder has left in doubt; undefined when that is nothing. */
export function crashOf({ functions }: MemberRow, from: string, through: string): Crashed | undefined {
  const copies = new Map([...functions].map(([name, counts]) => [name, inDoubt(counts)]));
  return [...copies.values()].some((n) => n > 0) ? { copies, from, through } : undefined;
}

/** The counts with it. */
export const withCrash = ({ functions }: MemberRow, { copies }: Crashed): ReadonlyMap<string, Counts> =>
  new Map(
    [...functions].map(([name, counts]) => {
      const { unknown } = counts;
      return [name, { ...counts, unknown: { ...unknown, crash: unknown.crash + (copies.get(name) ?? 0) } }];
    }),
  );

const CRASHED: Outcome = { type: 'unknown', reason: 'crash', ms: 0 };
/** Copies that show in the feed one by one. */
const MOST_SHOWN = 100;

/**
 * Puts the stored counts into the account, and says what is in doubt.
 * @param counts with what crashed counted already
 */
export function restoreAccount(
  { context, type }: Member,
  counts: ReadonlyMap<string, Counts>,
  crashed: Crashed | undefined,
): void {
  for (const [name, stored] of counts) {
    const copies = crashed?.copies.get(name) ?? 0;
    const shown = Math.min(copies, MOST_SHOWN);
    const before = structuredClone(stored);
    before.unknown.crash -= shown;
    context.account.restore(name, before);
    if (crashed === undefined) continue;
    const event = eventInDoubt(type, crashed.from, crashed.through);
    for (let i = 0; i < shown; i++) context.account.inDoubt(event, name, CRASHED);
  }
}

/** Nothing of it is ours any more. */
export function clearAccount({ context }: Member, functions: Iterable<string>): void {
  for (const name of functions) context.account.restore(name, noCounts());
}
