import { describe, expect, test } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';
import { type ScriptedCall, ScriptedFunction } from '../../test/support/scripted-function.ts';

const URL_OF_F = 'http://f.a.svc:8080';
const PODS = ['http://p1', 'http://p2', 'http://p3'];

function benchWithPods(pods: readonly string[] = PODS): OutletBench {
  const bench = new OutletBench({ delivery: { order: 'none' } });
  for (const pod of PODS) bench.functions.set(new URL(pod).hostname, new ScriptedFunction(bench.clock));
  bench.move('f', URL_OF_F, pods);
  return bench;
}

const calls = (bench: OutletBench): number[] => PODS.map((pod) => bench.f(new URL(pod).hostname).calls.length);
function openAt(bench: OutletBench, pod: string): ScriptedCall {
  const [first] = bench.f(pod).open;
  if (first === undefined) throw new Error(`no call to ${pod} is open`);
  return first;
}

const answer = { type: 'answered', status: 200 } as const;
const refused = { type: 'notSent', cause: new Error('connect ECONNREFUSED') } as const;

describe('a function that lives in pods', () => {
  test('each call goes to the pod with the fewest in flight', () => {
    const bench = benchWithPods();
    bench.push(event('a'), event('b'), event('c'));
    expect(calls(bench)).toEqual([1, 1, 1]);
    openAt(bench, 'p2').firstByte();
    openAt(bench, 'p2').answer(answer);
    bench.push(event('d'));
    expect(calls(bench)).toEqual([1, 2, 1]);
    expect(bench.f('f').calls).toEqual([]);
  });

  test('a pod that comes gets calls at once', () => {
    const bench = benchWithPods(['http://p1']);
    bench.push(event('a'), event('b'));
    expect(calls(bench)).toEqual([2, 0, 0]);
    bench.move('f', URL_OF_F, ['http://p1', 'http://p2']);
    bench.push(event('c'));
    expect(calls(bench)).toEqual([2, 1, 0]);
  });

  test('a pod that goes gets no more calls; those under way there end, and are not made again', async () => {
    const bench = benchWithPods(['http://p1', 'http://p2']);
    bench.push(event('a'), event('b'));
    const under = openAt(bench, 'p1');
    under.firstByte();
    bench.move('f', URL_OF_F, ['http://p2']);
    bench.push(event('c'));
    expect(calls(bench)).toEqual([1, 2, 0]);
    expect(bench.f('p1').closed).toBe(1);
    under.answer(answer);
    await turns();
    expect(bench.outcome('a')).toBe('delivered');
    expect(calls(bench)).toEqual([1, 2, 0]);
  });

  test('an event that one pod refused goes to another at once', async () => {
    const bench = benchWithPods(['http://p1', 'http://p2']);
    bench.push(event('a'));
    openAt(bench, 'p1').answer(refused);
    await turns();
    expect(calls(bench)).toEqual([1, 1, 0]);
    bench.push(event('b'), event('c'));
    expect(calls(bench)).toEqual([1, 3, 0]);
  });

  test('a pod that refused gets calls again after a while', async () => {
    const bench = benchWithPods(['http://p1', 'http://p2']);
    bench.push(event('a'));
    openAt(bench, 'p1').answer(refused);
    await bench.run(5_000, 1_000);
    bench.push(event('b'));
    expect(calls(bench)).toEqual([2, 1, 0]);
  });

  test('when all refuse, the lane waits until a connection can be made to one', async () => {
    const bench = benchWithPods(['http://p1']);
    bench.f('p1').refuses();
    bench.push(event('a'));
    await turns();
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'unreachable' });
    Object.assign(bench.f('p1'), { isListening: true, onCall: () => {} });
    await bench.run(1_000);
    expect(bench.f('p1').open.size).toBe(1);
  });

  test('what does not change is left alone: probing goes on at its own pace', async () => {
    const bench = benchWithPods(['http://p1']);
    bench.f('p1').refuses();
    bench.push(event('a'));
    await turns();
    const before = calls(bench);
    for (let n = 0; n < 20; n++) bench.move('f', URL_OF_F, ['http://p1']);
    await turns();
    expect(calls(bench)).toEqual(before);
  });

  test('leaves no connections and timers behind', async () => {
    const bench = benchWithPods();
    bench.push(event('a'));
    openAt(bench, 'p1').answer(refused);
    await bench.shut();
    expect(PODS.map((pod) => bench.f(new URL(pod).hostname).closed)).toEqual([1, 1, 1]);
    expect(bench.clock.pending).toBe(0);
  });
});
