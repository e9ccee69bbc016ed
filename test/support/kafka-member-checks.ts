import { expect, onTestFinished } from 'vitest';
import type { FunctionReport } from '../../src/domain/ledger.ts';
import { decodeMetadata } from '../../triggers/kafka/metadata.ts';
import { MemberBench, type MemberOptions, type MemoryGroup } from './kafka-member.ts';

/** A member that is gone when the test ends. */
export function member(group: MemoryGroup, options?: MemberOptions): MemberBench {
  const made = new MemberBench(group, options);
  onTestFinished(() => made.bench.shut());
  return made;
}

export const storedBy = (group: MemoryGroup, partition: number) =>
  decodeMetadata(group.stored(partition).metadata, ['f']);

/** I2, and a row of the ledger. */
export function row({ bench }: MemberBench, name = 'f'): FunctionReport {
  expect(bench.balanced).toBe(true);
  return bench.report(name);
}
