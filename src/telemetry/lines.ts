import { styleText } from 'node:util';
import type { Cancel, Clock } from '../domain/clock.ts';
import type { Event, SourceCoordinates } from '../domain/event.ts';
import type { Logger } from '../domain/kind.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { TriggerName } from '../domain/trigger.ts';
import { rounded } from './page.ts';
import { printable } from './printable.ts';

export type LineOutput =
  | { readonly type: 'text'; readonly colour: boolean; write(line: string): void }
  | { readonly type: 'json'; readonly log: Logger };

const WINDOW_MS = 1_000;

/**
 * One line per call, but never a flood: a window of one second opens with the first call and prints at most `limit`
 * lines; the calls after them are only counted, and one line with the counts closes the window. While calls are only
 * counted, one costs an integer compare and two increments.
 */
export class CallLines {
  readonly #output: LineOutput;
  readonly #clock: Clock;
  readonly #limit: number;
  #left: number;
  #held = noneHeld();
  #closeWindow: Cancel | undefined;
  readonly #widths = { source: 0, route: 0 };

  constructor(options: { output: LineOutput; clock: Clock; limit?: number }) {
    this.#output = options.output;
    this.#clock = options.clock;
    this.#limit = options.limit ?? 20;
    this.#left = this.#limit;
  }

  record(
    trigger: TriggerName,
    event: Pick<Event, 'id' | 'time' | 'coordinates'>,
    functionName: string,
    outcome: Outcome,
    late = false,
  ): void {
    if (this.#left === 0) {
      this.#held[outcome.type]++;
      return;
    }
    this.#left--;
    this.#openWindow();
    this.#print(trigger, event, functionName, outcome, late);
  }

  /** Prints what is still counted only, and nothing afterwards. */
  close(): void {
    this.#closeWindow?.();
    this.#closeWindow = undefined;
    this.#printHeld();
    this.#left = 0;
  }

  #openWindow(): void {
    if (this.#closeWindow !== undefined) return;
    this.#closeWindow = this.#clock.after(WINDOW_MS, () => {
      this.#closeWindow = undefined;
      this.#left = this.#limit;
      this.#printHeld();
    });
  }

  #print(
    trigger: TriggerName,
    event: Pick<Event, 'id' | 'coordinates'>,
    functionName: string,
    outcome: Outcome,
    late: boolean,
  ): void {
    const source = sourceLabel(event.coordinates);
    if (this.#output.type === 'json') {
      const { name, namespace, kind } = trigger;
      const { type, ...rest } = 'ms' in outcome ? { ...outcome, ms: rounded(outcome.ms) } : outcome;
      const fields = { source, kind, namespace, trigger: name, function: functionName, outcome: type, ...rest };
      this.#output.log.info({ ...fields, eventId: event.id, ...(late ? { late } : {}) }, 'call');
      return;
    }
    const style = this.#style(outcome.type);
    const columns = [
      localTime(this.#clock.now()),
      this.#pad('source', printable(source)),
      this.#pad('route', `${trigger.name} \u2192 ${functionName}`),
      style(`${outcomeLabel(outcome)}${late ? ' late' : ''}`),
    ];
    this.#output.write(`${columns.join('  ')}\n`);
  }

  #printHeld(): void {
    const held = Object.entries(this.#held).filter(([, count]) => count > 0);
    if (held.length === 0) return;
    this.#held = noneHeld();
    const calls = held.reduce((sum, [, count]) => sum + count, 0);
    if (this.#output.type === 'json') {
      this.#output.log.info({ calls, ...Object.fromEntries(held) }, 'more calls in this second');
      return;
    }
    const counts = held.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    this.#output.write(`${localTime(this.#clock.now())}  \u2026 ${calls} more in this second: ${counts}\n`);
  }

  #style(type: Outcome['type']): (text: string) => string {
    if (this.#output.type !== 'text' || !this.#output.colour) return (text) => text;
    return (text) => styleText(OUTCOME_COLOURS[type], text, { validateStream: false });
  }

  /** Columns grow with what they have shown, up to a limit, so that lines stay aligned without knowing the future. */
  #pad(column: 'source' | 'route', text: string): string {
    this.#widths[column] = Math.max(this.#widths[column], Math.min(text.length, MAX_WIDTH));
    return text.padEnd(this.#widths[column]);
  }
}

const MAX_WIDTH = 48;

const OUTCOME_COLOURS = {
  delivered: 'green',
  rejected: 'yellow',
  unknown: 'magenta',
  dropped: 'red',
} as const satisfies Record<Outcome['type'], string>;

const noneHeld = (): Record<Outcome['type'], number> => ({ delivered: 0, rejected: 0, unknown: 0, dropped: 0 });

const localTime = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);

function sourceLabel(at: SourceCoordinates): string {
  switch (at.type) {
    case 'kafka':
      return `kafka ${at.topic}/${at.partition}@${at.offset}`;
    case 'nats':
      return `nats ${at.subject}`;
    case 'log':
      return `log ${at.topic}@${at.offset}`;
    case 'kubernetes':
      return `${at.resource} ${at.namespace === '' ? '' : `${at.namespace}/`}${at.name} ${at.change}@${at.resourceVersion}`;
    case 'cronjob':
      return `cron ${at.schedule}@${at.tick}${at.byHand ? ' by hand' : ''}`;
    default:
      return at satisfies never;
  }
}

function outcomeLabel(outcome: Outcome): string {
  switch (outcome.type) {
    case 'delivered':
    case 'rejected':
      return `${outcome.type} ${outcome.status}  ${rounded(outcome.ms)} ms`;
    case 'unknown':
      return `unknown (${outcome.reason})  ${rounded(outcome.ms)} ms`;
    case 'dropped':
      return `dropped (${outcome.reason})`;
    default:
      return outcome satisfies never;
  }
}
