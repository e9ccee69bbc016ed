import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp.ts';
import { everything, message, openLogIn, RecordingOwner, wallClock } from '../../support/topic-log.ts';

const request = (pattern: string, name: string) => ({
  name,
  pattern,
  startFrom: 'earliest' as const,
  functions: ['f'],
});
const HOUR = 3_600_000;

describe('retention', () => {
  it('removes by age, and tells each group exactly what it had not decided on', async () => {
    await using dir = await tempDir();
    const clock = wallClock(1_000 * HOUR);
    const retention = { maxAge: HOUR, maxBytes: 2 ** 30 };
    const first = openLogIn(dir.path, { clock, retention });
    const closedOwner = new RecordingOwner();
    const closed = first.openGroup(request('t', 'closed'), closedOwner);
    for (let i = 0; i < 2_500; i++) void first.publish(i % 5 === 0 ? 'other' : 't', message(`${i}`));
    await first.publish('t', message('last of the old'));
    await closed.claim([2, 3], 3);
    await first.close();

    clock.time += 2 * HOUR;
    const second = openLogIn(dir.path, { clock, retention });
    const owner = new RecordingOwner();
    const open = second.openGroup(request('>', 'open'), owner);
    await open.claim([1], 1);
    await second.publish('t', message('young'));
    await eventually('the old ones are gone', () => open.read(0, everything).events.length === 1);
    expect(owner.losses.map(({ seq }) => seq)).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 2));

    const again = second.openGroup(request('t', 'closed'), new RecordingOwner());
    // 2,001 events of the topic, of which 2 were claimed.
    expect(again.predecessor.lost).toBe(1_999);
    expect(again.predecessor.inDoubt.map(({ seq, topic }) => [seq, topic])).toEqual([
      [2, 't'],
      [3, 't'],
    ]);
    expect(again.read(again.position, everything).events).toHaveLength(1);
    await second.close();
  });

  it('keeps the bytes in use under the limit and counts what nobody read', async () => {
    await using dir = await tempDir();
    const maxBytes = 2 ** 20;
    const log = openLogIn(dir.path, { retention: { maxAge: 1_000 * HOUR, maxBytes } });
    const owner = new RecordingOwner();
    const group = log.openGroup(request('t', 'g'), owner);
    for (let i = 0; i < 400; i++) await log.publish('t', message('x'.repeat(10_000)));
    const left = await eventually('what is left fits', () => {
      const { events } = group.read(0, everything);
      return events.length * 10_000 < maxBytes && events;
    });
    expect(left.length).toBeGreaterThan(20);
    expect(owner.losses.length + left.length).toBe(400);
    expect(left.at(-1)?.seq).toBe(400);
    await log.close();
  });

  it('ends the removal of a deleted topic, whose name is free at once, also after a restart', async () => {
    await using dir = await tempDir();
    const first = openLogIn(dir.path);
    for (let i = 0; i < 1_500; i++) void first.publish('t', message(`${i}`));
    await first.publish('kept', message('x'));
    const firstOwner = new RecordingOwner();
    const reader = first.openGroup(request('t', 'g'), firstOwner);
    await reader.claim([1], 1);
    await first.delete('t');
    expect(await first.list()).toEqual(['kept']);
    await first.publish('t', message('new'));
    expect(reader.read(0, everything).events.map(({ seq }) => seq)).toEqual([1502]);
    await first.close();

    const second = openLogIn(dir.path);
    const owner = new RecordingOwner();
    const group = second.openGroup(request('t', 'g'), owner);
    // What the first owner was told, it has counted; 1,499 are all but the claimed one.
    const lost = () => firstOwner.losses.length + group.predecessor.lost + owner.losses.length;
    await eventually('all are gone', () => lost() === 1_499);
    expect(group.read(0, everything).events.map(({ seq }) => seq)).toEqual([1502]);
    await second.close();
  });
});
