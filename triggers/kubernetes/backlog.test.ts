import { describe, expect, test } from 'vitest';
import { Backlog, Budget } from './backlog.ts';
import { Change } from './change.ts';
import { Hand } from './hand.ts';
import { KnownObjects } from './known-objects.ts';
import { whole } from './position.ts';
import { Relist } from './relist.ts';
import { kubernetesTriggerSpec } from './spec.ts';

const names = { apiVersion: 'v1', kind: 'ConfigMap' };
const spec = kubernetesTriggerSpec.parse({ resource: names, functionSelector: {} });

const change = (n: number, json = '{}') =>
  new Change({
    uid: `u${n}`,
    namespace: 'default',
    name: `n${n}`,
    verb: 'added',
    origin: 'watched',
    resourceVersion: `${n}`,
    json,
    oldJson: undefined,
    time: n,
    heardAt: n,
  });

function setUp(most = { changes: 10, bytes: 1_000_000 }, budget = new Budget(1_000_000)) {
  const forgotten: string[] = [];
  const hands: Hand[] = [];
  const backlog = new Backlog({
    most,
    budget,
    onForget: (each, place) => {
      for (const hand of hands) {
        const { drop } = hand.forget(each, place);
        forgotten.push(...drop.map(({ change: { facts }, reason }) => `${facts.name} ${reason}`));
      }
    },
  });
  backlog.restart(whole('100'));
  const hand = (from = '100') => {
    const made = new Hand(backlog, names, spec, { ...whole(from), time: 0 }, true);
    hands.push(made);
    return made;
  };
  return { backlog, hand, forgotten };
}

const taken = (hand: Hand, room: number) => hand.take(room).claim.map(({ facts }) => facts.resourceVersion);

describe('a hand at a backlog', () => {
  test('takes as many as there is room for, and stands behind them', () => {
    const { backlog, hand } = setUp();
    const one = hand();
    for (const n of [101, 102, 103]) backlog.append(change(n));
    expect(one.waiting(10)).toEqual({ count: 3, since: 101 });
    expect(taken(one, 2)).toEqual(['101', '102']);
    expect(one.cursor.version).toBe('102');
    expect(taken(one, 2)).toEqual(['103']);
    expect(one.waiting(10)).toBeUndefined();
    backlog.moveTo('110');
    expect(one.cursor.version).toBe('110');
  });

  test('loses what the backlog has to forget, and only what it has not read', () => {
    const { backlog, hand, forgotten } = setUp({ changes: 3, bytes: 1_000_000 });
    const slow = hand();
    const fast = hand();
    for (let n = 101; n <= 105; n++) {
      backlog.append(change(n));
      expect(taken(fast, 1)).toEqual([`${n}`]);
    }
    expect(forgotten).toEqual(['n101 overflow', 'n102 overflow']);
    expect(slow.cursor.version).toBe('102');
    expect(taken(slow, 10)).toEqual(['103', '104', '105']);
  });

  test('drops what has waited too long, and no more', () => {
    const { backlog, hand } = setUp();
    const one = hand();
    for (const n of [101, 102, 103]) backlog.append(change(n));
    expect(one.expire(102, 'unreachable').drop.map(({ reason }) => reason)).toEqual(['unreachable', 'unreachable']);
    expect(taken(one, 10)).toEqual(['103']);
  });

  test('passes over what it has had when the watch begins anew', () => {
    const { backlog, hand } = setUp();
    const ahead = hand();
    const behind = hand('50');
    for (const n of [101, 102]) backlog.append(change(n));
    taken(ahead, 10);
    for (const each of [ahead, behind]) each.hold();
    backlog.restart(whole('50'));
    for (const each of [ahead, behind]) each.restarted();
    for (const n of [60, 101, 102, 103]) backlog.append(change(n));
    expect(taken(ahead, 10)).toEqual(['103']);
    expect(taken(behind, 10)).toEqual(['60', '101', '102', '103']);
  });

  test('sees nothing before the backlog holds what it needs', () => {
    const { backlog } = setUp();
    backlog.append(change(101));
    const waiting = new Hand(backlog, names, spec, { ...whole('50'), time: 0 }, false);
    expect(waiting.waiting(10)).toBeUndefined();
    expect(taken(waiting, 10)).toEqual([]);
    expect(waiting.cursor.version).toBe('50');
  });
});

describe('a backlog', () => {
  test('stays within its bytes, and the backlogs of a process within theirs', () => {
    const large = 'x'.repeat(1_000);
    const budget = new Budget(12_000);
    const one = setUp({ changes: 100, bytes: 8_000 }, budget).backlog;
    const other = setUp({ changes: 100, bytes: 8_000 }, budget).backlog;
    for (let n = 101; n < 120; n++) one.append(change(n, large));
    expect(one.end - one.start).toBe(3);
    for (let n = 101; n < 120; n++) other.append(change(n, large));
    expect(other.end - other.start).toBeLessThanOrEqual(3);
    one.restart(whole('200'));
    expect(budget.isExceeded).toBe(false);
  });

  test('goes on over many thousands', () => {
    const { backlog, hand } = setUp({ changes: 5, bytes: 1_000_000 });
    const one = hand();
    for (let n = 101; n < 10_101; n++) {
      backlog.append(change(n));
      if (n % 3 === 0) taken(one, 5);
    }
    expect(backlog.end - backlog.start).toBe(5);
    expect(backlog.at(backlog.end - 1)?.facts.resourceVersion).toBe('10100');
  });
});

describe('a list after history was forgotten', () => {
  const known = (keepsContent = false) => {
    const objects = new KnownObjects({ most: 10, mostBytes: 10_000, budget: new Budget(10_000) });
    objects.keepsContent = keepsContent;
    return objects;
  };
  const object = (name: string, resourceVersion: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'default',
      uid: `u-${name}`,
      resourceVersion,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  });
  const identity = (name: string) => ({ name, namespace: 'default', uid: `u-${name}` });
  const options = { newerThan: undefined, since: Date.parse('2026-06-01'), most: 5 };
  const told = (found: readonly { verb: string; name: string; resourceVersion: string }[]) =>
    found.map(({ verb, name, resourceVersion }) => `${verb} ${name}@${resourceVersion}`);

  test('tells what is new, changed and gone, when all was known', () => {
    const objects = known(true);
    for (const name of ['same', 'changed', 'gone']) objects.put(identity(name), '1', `{"${name}":1}`);
    objects.completed();
    const relist = new Relist({ ...options, known: objects });
    for (const each of [object('same', '1'), object('new', '7'), object('changed', '5')]) relist.see(each);
    const found = relist.end('9');
    expect(told(found)).toEqual(['modified changed@5', 'added new@7', 'deleted gone@9']);
    expect(found[0]?.oldJson).toBe('{"changed":1}');
    expect(objects.isComplete).toBe(true);
    expect([...objects.all()].map(({ name }) => name).sort()).toEqual(['changed', 'new', 'same']);
  });

  test('tells what is newer, where versions can be compared, and nothing otherwise', () => {
    const items = [object('old', '3'), object('newer', '12')];
    const comparing = new Relist({ ...options, known: known(), newerThan: '9' });
    for (const each of items) comparing.see(each);
    expect(told(comparing.end('20'))).toEqual(['modified newer@12']);
    const blind = new Relist({ ...options, known: known() });
    for (const each of items) blind.see(each);
    expect(blind.end('20')).toEqual([]);
  });

  test('goes with what changes while it is under way', () => {
    const objects = known(true);
    for (const name of ['kept', 'changed', 'gone']) objects.put(identity(name), '1', '{}');
    objects.completed();
    const relist = new Relist({ ...options, known: objects });
    for (const each of ['kept', 'changed', 'gone', 'brief']) relist.see(object(each, each === 'brief' ? '3' : '1'));
    relist.see(object('changed', '4'));
    relist.see(object('changed', '5'));
    for (const name of ['gone', 'brief']) relist.gone(identity(name).uid);
    expect(told(relist.end('9'))).toEqual(['modified changed@5', 'deleted gone@9']);
    expect([...objects.all()].map(({ name }) => name).sort()).toEqual(['changed', 'kept']);
  });

  test('that breaks off has told nothing: what was known stays', () => {
    const objects = known();
    objects.put(identity('a'), '1', '{}');
    objects.completed();
    new Relist({ ...options, known: objects }).see(object('a', '2'));
    expect(objects.get('u-a')?.resourceVersion).toBe('1');
  });

  test('keeps the newest of too many changes', () => {
    const objects = known();
    objects.completed();
    const relist = new Relist({ ...options, known: objects });
    for (let n = 1; n <= 30; n++) relist.see(object(`n${n}`, `${n}`));
    expect(told(relist.end('40'))).toEqual([
      'added n26@26',
      'added n27@27',
      'added n28@28',
      'added n29@29',
      'added n30@30',
    ]);
    expect(objects.isComplete).toBe(false);
  });
});

test('contents are forgotten before objects are', () => {
  const objects = new KnownObjects({ most: 100, mostBytes: 2_000, budget: new Budget(4_000) });
  objects.keepsContent = true;
  for (let n = 0; n < 50; n++) objects.put({ uid: `${n}`, namespace: '', name: `${n}` }, '1', 'x'.repeat(100));
  objects.completed();
  expect([...objects.all()]).toHaveLength(50);
  expect([...objects.all()].filter(({ json }) => json !== undefined).length).toBeLessThanOrEqual(10);
  expect(objects.get('49')?.json).toBeDefined();
});

test('contents of all watches stay within one budget, and what is let go of is free for others', () => {
  const budget = new Budget(2_000);
  const watch = () => {
    const objects = new KnownObjects({ most: 100, mostBytes: 10_000, budget });
    objects.keepsContent = true;
    return objects;
  };
  const put = (objects: KnownObjects, n: number) =>
    objects.put({ uid: `${n}`, namespace: '', name: `${n}` }, '1', 'x'.repeat(100));
  const kept = (objects: KnownObjects) => [...objects.all()].filter(({ json }) => json !== undefined).length;
  const [one, other] = [watch(), watch()];
  for (let n = 0; n < 50; n++) put(one, n);
  put(other, 1);
  expect([kept(one), kept(other)]).toEqual([11, 0]);
  const fresh = one.fresh();
  one.become(fresh);
  fresh.clear();
  for (let n = 0; n < 5; n++) put(other, n);
  expect(kept(other)).toBe(5);
  other.clear();
  for (let n = 0; n < 50; n++) put(one, n);
  expect(kept(one)).toBe(11);
});
