import { expect, test } from 'vitest';
import { MemoryGroup } from '../../test/support/kafka-member.ts';
import { member, row, storedBy } from '../../test/support/kafka-member-checks.ts';
import { loop } from '../../test/support/scripted-commit.ts';

test('the first position is stored at the first join, before anything is read', async () => {
  const group = new MemoryGroup(2, 10);
  group.generation = 1;
  await member(group, { spec: { startFrom: 'newest' } }).join(1, 0);
  expect([group.stored(0).offset, group.stored(1).offset]).toEqual([10, -1]);
  const earliest = new MemoryGroup(1, 10);
  await member(earliest).join(0, 0);
  expect(earliest.stored(0).offset).toBe(0);
});

test('a partition that is kept over a rebalance goes on where it was, also what was in flight', async () => {
  const group = new MemoryGroup(2, 10);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0, 1);
  await one.read(0, 4);
  await loop();
  expect(one.calls().length).toBe(4);
  const left = one.leave(1_000);
  await one.bench.run(1_100);
  await left;
  group.generation = 2;
  await one.join(2, 0);
  await one.answer();
  expect(row(one)).toMatchObject({ read: 4, claimed: 4, delivered: 4, inFlight: 0 });
  await one.read(0);
  await one.answer();
  expect(row(one)).toMatchObject({ read: 10, delivered: 10 });
  expect(new Set(one.calls()).size).toBe(10);
});

test('on leaving, what is in flight may end and is settled under the old generation', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  await one.read(0);
  const left = one.leave(60_000);
  await loop();
  expect(storedBy(group, 0)?.open).toEqual([0, 1, 2]);
  await one.answer();
  await left;
  expect(storedBy(group, 0)?.open).toEqual([]);
  group.generation = 2;
  const two = member(group);
  await two.join(2, 0);
  expect(row(two)).toMatchObject({ read: 3, delivered: 3, unknown: {} });
});

test('on leaving, a claim that is out is waited for, and what it claimed is passed and settled', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  group.fate = 'held';
  const reading = one.read(0);
  await loop();
  const left = one.leave(60_000);
  await loop();
  group.fate = 'answered';
  group.finish();
  await reading;
  await loop();
  expect(one.calls().length).toBe(group.stored(0).offset);
  expect(one.calls().length).toBeGreaterThan(0);
  await one.answer();
  await left;
  expect(storedBy(group, 0)?.open).toEqual([]);
});

test('a batch that starts below the position is discarded up to it', async () => {
  const group = new MemoryGroup(1, 8);
  group.generation = 1;
  group.positions.set(0, { partition: 0, offset: 5, metadata: '' });
  const one = member(group);
  await one.join(1, 0);
  await one.read(0, 4, 0);
  await one.read(0, 6, 1);
  await one.answer();
  expect(one.calls()).toEqual(['0/5', '0/6']);
  expect(row(one)).toMatchObject({ read: 2, claimed: 2 });
});

test('a partition that is lost takes its counts along; what comes late counts nowhere', async () => {
  const group = new MemoryGroup(2, 5);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0, 1);
  await one.read(0, 2);
  await one.read(1, 3);
  const left = one.leave(100);
  await one.bench.run(200);
  await left;
  group.generation = 2;
  const two = member(group);
  await Promise.all([one.join(2, 0), two.join(2, 1)]);
  expect(row(one)).toMatchObject({ read: 2, claimed: 2, inFlight: 2 });
  expect(row(two)).toMatchObject({ read: 3, claimed: 3, unknown: { crash: 3 } });
  await one.answer();
  expect(row(one)).toMatchObject({ read: 2, claimed: 2, delivered: 2, inFlight: 0 });
});

test('a partition that comes back is taken over from the one that had it', async () => {
  const group = new MemoryGroup(1, 6);
  group.generation = 1;
  const one = member(group);
  const two = member(group);
  await one.join(1, 0);
  await one.read(0, 2);
  await one.answer();
  await one.leave();
  group.generation = 2;
  await Promise.all([one.join(2), two.join(2, 0)]);
  expect(row(one)).toMatchObject({ read: 0, claimed: 0, delivered: 0 });
  await two.read(0, 2);
  await two.answer();
  await two.leave();
  group.generation = 3;
  await Promise.all([one.join(3, 0), two.join(3)]);
  expect(row(one)).toMatchObject({ read: 4, claimed: 4, delivered: 4 });
  expect(row(two)).toMatchObject({ read: 0 });
  await one.read(0);
  await one.answer();
  expect([...one.calls(), ...two.calls()].sort()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
});

test('a partition that somebody had in between is taken over anew, though the position stands where it stood', async () => {
  const group = new MemoryGroup(1, 4);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  await one.read(0, 2);
  await one.leave(0);
  // Frozen here; the group goes on without it.
  group.generation = 2;
  const two = member(group);
  await two.join(2, 0);
  await two.quiet();
  await two.leave();
  expect(row(two)).toMatchObject({ claimed: 2, unknown: { crash: 2 } });
  group.generation = 3;
  await one.join(3, 0);
  expect(row(one)).toMatchObject({ claimed: 2, unknown: { crash: 2 }, inFlight: 0 });
  await one.answer();
  expect(row(one)).toMatchObject({ claimed: 2, unknown: { crash: 2 }, delivered: 0 });
});

test('a member that was frozen and wakes up claims nothing with what it had read', async () => {
  const group = new MemoryGroup(1, 4);
  group.generation = 1;
  const zombie = member(group);
  await zombie.join(1, 0);
  group.fate = 'held';
  const reading = zombie.read(0, 2);
  await loop();
  group.generation = 2;
  group.fate = 'answered';
  const next = member(group);
  await next.join(2, 0);
  await next.read(0);
  group.finish();
  await reading;
  await loop();
  expect(zombie.calls()).toEqual([]);
  expect(group.stored(0).offset).toBe(4);
  await zombie.leave();
  group.generation = 3;
  await zombie.join(3);
  expect(row(zombie)).toMatchObject({ read: 0, claimed: 0 });
});

test('after a doubt the next source of the process counts what was stored as claim_lost, or reads it again', async () => {
  for (const fate of ['unanswered', 'lost'] as const) {
    const group = new MemoryGroup(1, 6);
    group.generation = 1;
    const one = member(group);
    await one.join(1, 0);
    await one.read(0, 2);
    await one.answer();
    group.fate = fate;
    await one.read(0, 3);
    await one.answer();
    expect(one.calls().length).toBe(2);
    expect(one.failures).toMatchObject([{ code: 'CLAIM_IN_DOUBT' }]);
    await one.owned.rest(one.bench.clock.monotonic());
    await one.owned.settle();
    const remembered = one.owned.remember();
    one.owned.close();
    group.fate = 'answered';
    group.generation = 2;
    const two = member(group, { remembered, bench: one.bench, by: one.by });
    await two.join(2, 0);
    const claim_lost = fate === 'unanswered' ? 3 : 0;
    expect(row(two)).toMatchObject({ read: 2 + claim_lost, claimed: 2 + claim_lost, delivered: 2 });
    expect(row(two).dropped).toEqual(claim_lost > 0 ? { claim_lost } : {});
    await two.read(0);
    await two.answer();
    expect(row(two)).toMatchObject({ read: 6, claimed: 6, delivered: 6 - claim_lost });
    expect(new Set(one.calls()).size).toBe(one.calls().length);
  }
});

test('what is remembered outlives a source that could store nothing of it', async () => {
  const group = new MemoryGroup(1, 5);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  await one.read(0, 2);
  group.fate = 'unanswered';
  await one.read(0, 3);
  await one.answer();
  group.fate = 'lost';
  let last = one;
  for (let sources = 0; sources < 3; sources++) {
    const remembered = last.owned.remember();
    last.owned.close();
    group.generation++;
    last = member(group, { remembered, bench: one.bench, by: one.by });
    await last.join(group.generation, 0);
    await last.quiet();
    expect(last.failures.length).toBe(1);
  }
  expect(row(last)).toMatchObject({ read: 3, delivered: 2, unknown: {}, dropped: { claim_lost: 1 } });
});

test('a claim that is answered when the source is closed is passed no more', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  group.fate = 'held';
  const reading = one.read(0);
  await loop();
  const resting = one.owned.rest(one.bench.clock.monotonic() + 500);
  await one.bench.run(600);
  await resting;
  one.owned.close();
  group.finish();
  await reading;
  await loop();
  expect(one.calls()).toEqual([]);
  expect(row(one)).toMatchObject({ read: 0, claimed: 0, inFlight: 0 });
});

test('closing and a rebalance may both wait for what is in flight', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  await one.read(0);
  const closed = one.owned.rest(one.bench.clock.monotonic() + 60_000);
  const left = one.leave(60_000);
  await loop();
  await one.answer();
  await Promise.all([closed, left]);
  expect(one.bench.clock.monotonic()).toBe(0);
});

test('closing while another owner takes the partitions does not wait for them', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  await one.read(0);
  await one.leave(0);
  const closed = one.owned.rest(one.bench.clock.monotonic() + 60_000);
  await loop();
  group.generation = 2;
  await one.join(2);
  await closed;
  expect(one.bench.clock.monotonic()).toBe(0);
});
