import { expect } from 'vitest';
import type { Case } from './claim-cases.ts';
import { expectEachOnce, hasAll, numbered } from './delivery-cases.ts';
import type { CaseName } from './harness.ts';

/** Where a source begins, and when it does not. */
export const openingCases = {
  async 'startFrom counts only where no position exists'(rig) {
    const topic = await rig.topic();
    await topic.publish(numbered(10));
    const first = rig.member();
    await first.open(topic, { startFrom: 'earliest' });
    await hasAll(rig.recorder, 10);
    await first.close();

    await topic.publish(numbered(10, 10));
    const second = rig.member();
    await second.open(topic, { startFrom: 'newest' });
    await hasAll(rig.recorder, 20);
    await second.close();
    expectEachOnce(rig.recorder, ['f'], 20);

    const third = rig.member();
    await third.open(topic, { startFrom: 'newest', trigger: 'other', functions: ['g'] });
    await topic.publish(numbered(10, 20));
    await hasAll(rig.recorder, 30);
    expect(
      rig.recorder
        .of('g')
        .map(({ body }) => body)
        .sort(),
    ).toEqual(numbered(10, 20).map(({ data }) => data));
  },

  async 'paused: nothing is claimed'(rig, { durable }) {
    const topic = await rig.topic();
    const member = rig.member();
    const paused = await member.open(topic, { paused: true });
    await member.open(topic, { trigger: 'witness', functions: ['g'] });
    await topic.publish(numbered(20));
    await rig.recorder.waitFor('the witness has all', ({ of }) => of('g').length === 20);
    await paused.close();
    expect(rig.recorder.of('f')).toEqual([]);
    if (!durable) {
      expect(member.row()).toMatchObject({ read: 20, claimed: 0, droppedBeforeClaim: { paused_skip: 20 } });
      return;
    }
    expect(member.row()).toMatchObject({ read: 0, claimed: 0 });
    await rig.member().open(topic);
    await hasAll(rig.recorder, 40);
    expectEachOnce(rig.recorder, ['f', 'g'], 20);
  },

  async 'a broker that cannot be reached is said in a sentence'(rig) {
    const topic = await rig.topic();
    const failed = await rig
      .nowhere()
      .open(topic)
      .catch((error) => error);
    expect(failed).toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/\w+ cannot be reached: .+/),
    });
  },

  async 'opening that is aborted leaves nothing behind'(rig) {
    const topic = await rig.topic();
    const member = rig.member();
    const before = AbortSignal.abort();
    await expect(member.open(topic, { signal: before })).rejects.toThrow();

    // Early, and late in the steps that a kind may take.
    for (const turns of [0, 1, 30]) {
      const abort = new AbortController();
      const opening = member.open(topic, { signal: abort.signal });
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      abort.abort();
      // One that was open already when it heard of it is closed by its owner.
      await opening.then((reading) => reading.close()).catch(() => {});
    }
    await rig.member().open(topic);
    await topic.publish(numbered(10));
    await hasAll(rig.recorder, 10);
    expectEachOnce(rig.recorder, ['f'], 10);
  },
} satisfies Partial<Record<CaseName, Case>>;
