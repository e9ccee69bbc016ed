import { describe, expect, it } from 'vitest';
import { TrigateError } from '../domain/errors.ts';
import type { Logger } from '../domain/kind.ts';
import { createLog, type LogOptions, withoutRedaction } from './log.ts';

function logTo(options: Partial<LogOptions> = {}) {
  const written: string[] = [];
  const stream = { write: (line: string) => written.push(line) };
  const log: Logger = createLog({ level: 'info', tty: false, stream, ...options });
  return { log, written };
}

describe('the log', () => {
  it('writes one JSON object per line with level, time and message', () => {
    const { log, written } = logTo();
    log.warn({ trigger: 'orders' }, 'source lost');
    expect(JSON.parse(written[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      trigger: 'orders',
      msg: 'source lost',
    });
  });

  it('leaves out what is below its level', () => {
    const { log, written } = logTo({ level: 'warn' });
    log.info({}, 'quiet');
    expect(written).toEqual([]);
  });

  it.each([
    { password: 'hunter2' },
    { config: { password: 'hunter2' } },
    { broker: { sasl: { mechanism: 'plain', password: 'hunter2' } } },
    { request: { headers: { authorization: 'Bearer hunter2' } } },
    { headers: { 'set-cookie': 'hunter2' } },
    { token: 'hunter2' },
    { servers: 'nats://user:hunter2@host:4222' },
    { err: new Error('cannot connect to nats://hunter2@host:4222') },
  ])('keeps a secret out: %j', (fields) => {
    for (const tty of [false, true]) {
      const { log, written } = logTo({ tty });
      log.error(fields, 'failed');
      expect(written.join('')).toContain('[redacted]');
      expect(written.join('')).not.toContain('hunter2');
    }
  });

  it('writes lines that hold no secret as they are, and credentials in addresses nowhere', () => {
    const written: string[] = [];
    const log = createLog({ level: 'info', tty: false, stream: { write: (line) => written.push(line) } });
    withoutRedaction(log).info({ token: 'of a ring', servers: 'nats://user:hunter2@host' }, 'call');
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ token: 'of a ring', servers: 'nats://[redacted]@host' });
    log.info({ token: 'hunter2' }, 'of the log itself');
    expect(JSON.parse(written[1] ?? '')).toMatchObject({ token: '[redacted]' });
  });

  it('writes a compact line for a person on a terminal', () => {
    const { log, written } = logTo({ tty: true });
    log.info({ port: 8080, address: 'localhost' }, 'listening');
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d INFO {2}listening port=8080 address=localhost\n$/);
  });

  it('shows the sentence of an error and not its stack on a terminal', () => {
    const { log, written } = logTo({ tty: true });
    log.error({ err: new TrigateError('BROKER_UNREACHABLE', 'No broker answers.') }, 'failed');
    expect(written[0]).toMatch(/ERROR failed No broker answers\.\n$/);
  });

  it('colours only when it is told to, and lets no control character through', () => {
    const plain = logTo({ tty: true });
    plain.log.info({ subject: 'a\u001b[2J' }, 'x\u0007y');
    expect(plain.written.join('').replace('\n', '')).not.toMatch(/\p{Cc}/u);
    const coloured = logTo({ tty: true, colour: true });
    coloured.log.info({}, 'x');
    expect(coloured.written.join('')).toContain('\u001b[32mINFO');
  });
});
