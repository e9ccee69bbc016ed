import { describe, expect, test } from 'vitest';
import { fieldName, specIssues } from '../../src/domain/schema.ts';
import { cronJobTriggerSpec } from './spec.ts';

const issuesOf = (spec: object) =>
  specIssues(cronJobTriggerSpec, { apiVersion: '', kind: '', metadata: { name: 't' }, spec }).map(
    ({ path, message }) => `${fieldName(path)} ${message}`,
  );
const base = { schedule: '@daily', 'function-name': 'f' };

describe('the spec of a CronJobTrigger', () => {
  test("takes Kubeless' fields, and has a default for every other", () => {
    expect(cronJobTriggerSpec.parse({ ...base, payload: { a: 1 } })).toMatchObject({
      ...base,
      functionSelector: {},
      payload: { a: 1 },
      startingDeadlineSeconds: 30,
      missed: 'skip',
      concurrencyPolicy: 'Allow',
      suspend: false,
      fanout: 'isolated',
    });
  });

  test.each([
    [{ schedule: '@daily' }, 'spec.function-name is missing; it or functionSelector says which functions to call'],
    [
      { ...base, functionSelector: {} },
      'spec.functionSelector must not stand beside function-name: only one can choose',
    ],
    [{ 'function-name': 'f' }, 'spec.schedule is missing'],
    [{ ...base, schedule: '0 25 * * *' }, 'spec.schedule field 2 (hour): must be 0 to 23, found "25"'],
    [{ ...base, schedule: '0 0 30 2 *' }, 'spec.schedule "0 0 30 2 *" never fires: no month has such a day'],
    [
      { ...base, timeZone: 'Mars' },
      'spec.timeZone the time zone "Mars" is not known; it must be a name such as UTC or Europe/Berlin',
    ],
    [{ ...base, startingDeadlineSeconds: 0 }, 'spec.startingDeadlineSeconds must be at least 1, found 0'],
    [
      { ...base, concurrencyPolicy: 'allow' },
      'spec.concurrencyPolicy must be one of Allow, Forbid, Replace, found "allow"',
    ],
    [{ ...base, payload: 'xxxx', delivery: { maxBytes: 4 } }, 'spec.payload must be at most 4 bytes as JSON, found 6'],
    [{ ...base, cron: 1 }, 'spec.cron is not a field that is known here'],
  ])('%j: %s', (spec, sentence) => {
    expect(issuesOf(spec)).toEqual([sentence]);
  });
});
