import { z } from 'zod';
import { jsonText } from './output.ts';
import { formatRow } from './table.ts';

const copy = z.looseObject({
  name: z.string(),
  outcome: z.string(),
  reason: z.string().nullish(),
  status: z.number().nullish(),
  answer: z.string().nullish(),
  ms: z.number().nullish(),
  late: z.boolean().nullish(),
  at: z.string().nullish(),
});
type Copy = z.infer<typeof copy>;

/** A row of `GET /v1/events`: an event with its functions, or a gap. Fields that this version does not know stay. */
export const eventRow = z.looseObject({
  id: z.string().nullish(),
  time: z.union([z.string(), z.number()]),
  kind: z.string(),
  namespace: z.string(),
  trigger: z.string(),
  source: z.looseObject({ type: z.string().optional() }).nullish(),
  functions: z.array(copy).default([]),
  gap: z.looseObject({ from: z.string(), to: z.string(), cause: z.string() }).nullish(),
});
export type EventRow = z.infer<typeof eventRow>;

export type EventFormat = 'table' | 'wide' | 'json';

/** Widths are fixed because the rows of a live feed are still to come. */
const COLUMNS = [
  { head: 'TIME', width: 24 },
  { head: 'TRIGGER', width: 24 },
  { head: 'SOURCE', width: 20 },
  { head: 'FUNCTION', width: 16 },
  { head: 'OUTCOME', width: 20 },
  { head: 'MS', width: 6 },
];
const WIDE = [...COLUMNS, { head: 'ID', width: 15 }];

const columnsOf = (format: 'table' | 'wide') => (format === 'wide' ? WIDE : COLUMNS);

export function formatHeads(format: EventFormat): string {
  return format === 'json' ? '' : line(columnsOf(format).map((column) => column.head));
}

/** One line for each function that the event went to; `json`: the row as it came, on one line. */
export function formatEvent(row: EventRow, format: EventFormat): string {
  if (format === 'json') return `${jsonText(row)}\n`;
  const head = [moment(row.time), `${row.kind}/${row.namespace}/${row.trigger}`];
  const cells =
    row.gap === null || row.gap === undefined
      ? row.functions.map((each) => [...head, place(row.source), each.name, result(each), duration(each), row.id ?? ''])
      : [[...head, '-', '-', `gap(${row.gap.cause})`, '', '']];
  return cells.map((each) => line(each.slice(0, columnsOf(format).length))).join('');
}

const line = (cells: readonly string[]): string =>
  formatRow(
    cells,
    WIDE.map((column) => column.width),
  );

const moment = (time: string | number): string => (typeof time === 'string' ? time : new Date(time).toISOString());

/** `orders/0@12`: topic, partition, offset; or what the source has instead. */
export function place(source: EventRow['source']): string {
  if (source === null || source === undefined) return '-';
  const { type, topic, partition, offset, subject, resource, name, change, schedule, byHand } = source;
  switch (type) {
    case 'kafka':
      return `${topic}/${partition}@${offset}`;
    case 'log':
      return `${topic}@${offset}`;
    case 'nats':
      return `${subject}`;
    case 'kubernetes':
      return `${resource}/${name} ${change}`;
    case 'cronjob':
      return byHand === true ? 'by hand' : `${schedule}`;
    default:
      return JSON.stringify(source);
  }
}

/** `delivered 200`, `unknown(timeout)` */
export function result({ outcome, reason, status, late }: Copy): string {
  const cause = reason === null || reason === undefined ? '' : `(${reason})`;
  const code = status === null || status === undefined ? '' : ` ${status}`;
  return `${outcome}${cause}${code}${late === true ? ' late' : ''}`;
}

/** The same with the first line of what the function said. */
export function said(copy: Copy): string {
  const line = copy.answer?.trim().split('\n', 1)[0];
  return line === undefined || line === '' ? result(copy) : `${result(copy)}: ${line}`;
}

const duration = ({ ms }: Copy): string => (ms === null || ms === undefined ? '' : String(Math.round(ms)));
