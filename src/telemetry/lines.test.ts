import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type Event, eventId, type SourceCoordinates } from '../domain/event.ts';
import type { Outcome } from '../domain/outcome.ts';
import { CallLines } from './lines.ts';
import { createLog } from './log.ts';

const orders = { kind: 'kafka', namespace: 'default', name: 'orders' };
const delivered: Outcome = { type: 'delivered', status: 200, ms: 3.217 };

const event = (coordinates: SourceCoordinates): Pick<Event, 'id' | 'time' | 'coordinates'> => ({
  id: eventId('test', '1'),
  time: 0,
  coordinates,
});
const kafka = event({ type: 'kafka', topic: 'orders', partition: 3, offset: '42' });

function textLines(options: { colour?: boolean; limit?: number } = {}) {
  const { colour = false, limit = 20 } = options;
  const clock = new ManualClock();
  const printed: string[] = [];
  const output = { type: 'text', colour, write: (line: string) => void printed.push(line) } as const;
  return { clock, printed, lines: new CallLines({ output, clock, limit }) };
}

describe('the line per call', () => {
  it.each<[SourceCoordinates, Outcome, string]>([
    [kafka.coordinates, delivered, 'kafka orders/3@42  orders → invoice  delivered 200  3.22 ms'],
    [
      { type: 'nats', subject: 'a.b' },
      { type: 'rejected', status: 500, ms: 1 },
      'nats a.b  orders → invoice  rejected 500  1 ms',
    ],
    [
      { type: 'log', topic: 'orders', offset: 7 },
      { type: 'unknown', reason: 'timeout', ms: 2 },
      'log orders@7  orders → invoice  unknown (timeout)  2 ms',
    ],
    [
      kafka.coordinates,
      { type: 'dropped', reason: 'expired' },
      'kafka orders/3@42  orders → invoice  dropped (expired)',
    ],
  ])('names source, trigger, function, outcome and duration', (coordinates, outcome, text) => {
    const { lines, printed } = textLines();
    lines.record(orders, event(coordinates), 'invoice', outcome);
    expect(printed[0]?.replace(/^\d\d:\d\d:\d\d {2}/, '')).toBe(`${text}\n`);
    lines.close();
  });

  it('marks what came too late', () => {
    const { lines, printed } = textLines();
    lines.record(orders, kafka, 'invoice', delivered, true);
    expect(printed[0]).toContain(' late\n');
  });

  it('colours only when it is told to', () => {
    const plain = textLines();
    const coloured = textLines({ colour: true });
    for (const { lines } of [plain, coloured]) lines.record(orders, kafka, 'invoice', delivered);
    expect(plain.printed.join('')).not.toContain('\u001b');
    expect(coloured.printed.join('')).toContain('\u001b[32m');
  });

  it('lets no escape sequence of a subject reach the terminal', () => {
    const { lines, printed } = textLines();
    lines.record(orders, event({ type: 'nats', subject: 'a\u001b[2Jb' }), 'invoice', delivered);
    expect(printed.join('')).not.toContain('\u001b');
  });

  it('prints at most the limit in a second and then how many more there were', () => {
    const { lines, printed, clock } = textLines({ limit: 20 });
    for (let n = 0; n < 30_000; n++) lines.record(orders, kafka, 'invoice', delivered);
    lines.record(orders, kafka, 'invoice', { type: 'dropped', reason: 'expired' });
    expect(printed).toHaveLength(20);
    clock.advance(1_000);
    expect(printed).toHaveLength(21);
    expect(printed.at(-1)).toContain('… 29981 more in this second: 29980 delivered, 1 dropped\n');
  });

  it('opens a new window after a second and is quiet without calls', () => {
    const { lines, printed, clock } = textLines({ limit: 1 });
    for (let second = 0; second < 3; second++) {
      lines.record(orders, kafka, 'invoice', delivered);
      clock.advance(1_000);
    }
    expect(printed).toHaveLength(3);
    clock.advance(60_000);
    expect(printed).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });

  it('tells on closing what it had only counted, and leaves no timer', () => {
    const { lines, printed, clock } = textLines({ limit: 1 });
    for (let n = 0; n < 3; n++) lines.record(orders, kafka, 'invoice', delivered);
    lines.close();
    lines.close();
    lines.record(orders, kafka, 'invoice', delivered);
    expect(printed).toHaveLength(2);
    expect(printed[1]).toContain('2 more');
    expect(clock.pending).toBe(0);
  });

  it('writes JSON fields without a terminal', () => {
    const written: string[] = [];
    const log = createLog({ level: 'info', tty: false, stream: { write: (line) => written.push(line) } });
    const clock = new ManualClock();
    const lines = new CallLines({ output: { type: 'json', log }, clock, limit: 1 });
    for (let n = 0; n < 3; n++) lines.record(orders, kafka, 'invoice', delivered);
    lines.close();
    const [call, more] = written.map((line): unknown => JSON.parse(line));
    const fields = { source: 'kafka orders/3@42', kind: 'kafka', namespace: 'default', trigger: 'orders' };
    expect(call).toMatchObject({ ...fields, function: 'invoice', outcome: 'delivered', status: 200, ms: 3.22 });
    expect(more).toMatchObject({ level: 'info', calls: 2, delivered: 2 });
  });
});
