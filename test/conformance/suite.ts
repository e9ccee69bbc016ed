import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Case, claimCases } from './claim-cases.ts';
import { deliveryCases } from './delivery-cases.ts';
import { type Broker, type CaseName, caseNames, type Harness } from './harness.ts';
import { openingCases } from './opening-cases.ts';
import { Rig } from './rig.ts';

const cases: Readonly<Record<CaseName, Case>> = { ...deliveryCases, ...claimCases, ...openingCases };

/**
 * What every kind has to do, with its real broker and the real delivery core. After each case every ledger has to
 * balance (I2) and nothing may be left open.
 */
export function conformance(harness: Harness): void {
  describe(`conformance of ${harness.name}`, () => {
    let broker: Broker;
    beforeAll(async () => {
      broker = await harness.start();
    });
    afterAll(() => broker?.stop());

    for (const name of caseNames) {
      const reason = harness.skips[name];
      test.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (skipped: ${reason})`, async () => {
        await using rig = await Rig.start(broker);
        await cases[name](rig, harness);
      });
    }
  });
}
