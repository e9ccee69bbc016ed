import { expect } from 'vitest';
import { expectEachOnce, hasAll, numbered } from './delivery-cases.ts';
import type { CaseName, Harness } from './harness.ts';
import type { Rig } from './rig.ts';
import { FullGate, LosingGate } from './scripted-gate.ts';

export type Case = (rig: Rig, harness: Harness) => Promise<void>;

/** Reserve, claim, pass: what may be lost, and what may not come twice. */
export const claimCases = {
  async 'nothing is claimed while there is no room'(rig, { durable }) {
    const topic = await rig.topic();
    const full = rig.member();
    const gate = new FullGate();
    const reading = await full.open(topic, { gate });
    await topic.publish(numbered(20));
    await gate.asked;
    const closed = reading.close();
    gate.close();
    await closed;
    await full.close();
    if (!durable) {
      expect(full.row()).toMatchObject({ read: 20, claimed: 0, droppedBeforeClaim: { overflow: 20 } });
      return;
    }
    expect(full.row()).toMatchObject({ read: 0, claimed: 0 });
    await rig.member().open(topic);
    await hasAll(rig.recorder, 20);
    expectEachOnce(rig.recorder, ['f'], 20);
  },

  async 'what was claimed and never passed is not delivered again'(rig) {
    const topic = await rig.topic();
    const dying = rig.member();
    const gate = new LosingGate();
    await dying.open(topic, { gate });
    await topic.publish(numbered(20));
    await rig.until('20 events are claimed', () => gate.lost.length === 20);
    await dying.abandon();
    await rig.member().open(topic);
    // By key they come behind what was lost.
    await topic.publish(numbered(10, 100));
    await hasAll(rig.recorder, 10);
    expect(rig.recorder.records.map(({ body }) => body).sort()).toEqual(numbered(10, 100).map(({ data }) => data));
  },

  async 'what was claimed and never settled is counted as unknown(crash)'(rig) {
    const topic = await rig.topic();
    const dying = rig.member();
    await dying.open(topic);
    await topic.publish([{ data: 'settled' }]);
    await rig.until('one is settled', () => dying.row().delivered === 1);
    rig.recorder.behave('f', { type: 'hang' });
    await topic.publish([{ data: 'in doubt' }]);
    await hasAll(rig.recorder, 2);
    await dying.abandon();
    const next = rig.member();
    await next.open(topic);
    expect(next.row()).toMatchObject({ read: 2, claimed: 2, delivered: 1, unknown: { crash: 1 }, inFlight: 0 });
  },

  async 'closing under load finishes what was claimed, and the next source goes on behind it'(rig) {
    const topic = await rig.topic();
    const first = rig.member();
    const reading = await first.open(topic, { delivery: { concurrency: 4 } });
    rig.recorder.behave('f', { type: 'answer', status: 200, afterMs: 1 });
    await topic.publish(numbered(300));
    await hasAll(rig.recorder, 20);
    await reading.close();
    await first.close();
    const { claimed, delivered } = first.row();
    expect(delivered).toBe(claimed);
    expect(rig.recorder.distinct()).toBe(claimed);
    await topic.publish(numbered(50, 300));
    const second = rig.member();
    await second.open(topic);
    await hasAll(rig.recorder, 350);
    expectEachOnce(rig.recorder, ['f'], 350);
  },

  async 'events published while nobody reads are read later, each once'(rig) {
    const topic = await rig.topic();
    for (let round = 0; round < 3; round++) {
      const member = rig.member();
      await member.open(topic);
      await topic.publish(numbered(20, 40 * round));
      await hasAll(rig.recorder, 40 * round + 20);
      await member.close();
      await topic.publish(numbered(20, 40 * round + 20));
    }
    await rig.member().open(topic);
    await hasAll(rig.recorder, 120);
    expectEachOnce(rig.recorder, ['f'], 120);
  },

  async 'two sources of one group share the events'(rig) {
    const topic = await rig.topic();
    const first = rig.member();
    await first.open(topic);
    await topic.publish(numbered(100));
    const second = rig.member();
    const joining = second.open(topic);
    await topic.publish(numbered(100, 100));
    await joining;
    let published = 200;
    // The first may have all of a round before the second has asked for any.
    do {
      await topic.publish(numbered(100, published));
      published += 100;
      await hasAll(rig.recorder, published);
    } while (second.row().delivered === 0 && published < 2_000);
    expectEachOnce(rig.recorder, ['f'], published);
    await Promise.all([first.close(), second.close()]);
    expect(first.row().delivered + second.row().delivered).toBe(published);
    expect(second.row().delivered).toBeGreaterThan(0);
  },
} satisfies Partial<Record<CaseName, Case>>;
