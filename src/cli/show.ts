import type { LogLevel } from '../config/index.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../domain/kind.ts';
import type { LedgerReport } from '../domain/ledger.ts';
import { CallLines } from '../telemetry/lines.ts';
import { createLog, withoutRedaction } from '../telemetry/log.ts';
import { type BannerFacts, bannerLines, totals } from './banner.ts';
import type { Terminal } from './terminal.ts';

/** What a gateway shows of itself: lines for a person on a terminal, JSON logs elsewhere. */
export interface Show {
  readonly log: Logger;
  readonly calls: CallLines;
  started(facts: BannerFacts): void;
  stopping(): void;
  stopped(report: LedgerReport): void;
}

/** @param mayColour nobody asked for NO_COLOR */
export function createShow(terminal: Terminal, level: LogLevel, mayColour: boolean, clock: Clock): Show {
  const { stdout, outIsTty: isTty } = terminal;
  const colour = isTty && mayColour;
  const log = createLog({ level, tty: isTty, colour, stream: stdout });
  const write = (line: string) => stdout.write(line);
  const output = isTty
    ? ({ type: 'text', colour, write } as const)
    : ({ type: 'json', log: withoutRedaction(log) } as const);
  const calls = new CallLines({ output, clock });
  return {
    log,
    calls,
    started(facts) {
      if (isTty) for (const line of bannerLines(facts, colour)) stdout.write(`${line}\n`);
      else log.info(startFields(facts), 'trigate is running');
    },
    stopping() {
      log.info({}, 'stopping: no more is claimed, calls under way may end');
    },
    stopped(report) {
      calls.close();
      log.info({ ...totals(report), balanced: report.balanced }, 'stopped');
    },
  };
}

function startFields(facts: BannerFacts): object {
  const { version, url, dataDir, sources, triggers, portNote } = facts;
  return {
    version,
    mode: 'standalone',
    url,
    dataDir,
    ...Object.fromEntries(sources.map(({ name, from }) => [name, from])),
    ...(portNote !== undefined && { port: portNote }),
    triggers: triggers.map(({ trigger, topic, functions, message }) => ({
      ...trigger,
      topic,
      functions,
      ...(functions.length === 0 && { reason: message }),
    })),
  };
}
