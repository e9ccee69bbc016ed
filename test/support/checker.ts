import { z } from 'zod';
import type { Recorded } from './function-server.ts';

/** What was published, and who should get it: the bodies are different from each other. */
export interface Expected {
  readonly functions: readonly string[];
  readonly bodies: readonly string[];
}

/** Each entry is a sentence; a list that is empty holds. */
export interface Findings {
  /** I1 broken: one event id, or one expected body, reached a function more than once. */
  readonly duplicates: string[];
  readonly missing: string[];
  readonly unexpected: string[];
}

/** Compares what functions got with what was published. A request whose body broke off has reached its function. */
export function checkDelivery(expected: Expected, records: readonly Recorded[]): Findings {
  const findings: Findings = { duplicates: duplicateIds(records), missing: [], unexpected: [] };
  const wanted = new Set(expected.bodies);
  for (const name of expected.functions) {
    const times = countBy(
      records.filter((record) => record.function === name && record.body !== undefined),
      bodyOf,
    );
    for (const body of expected.bodies)
      if (!times.has(body)) findings.missing.push(`${name} did not get ${short(body)}`);
    for (const [body, n] of times) {
      if (!wanted.has(body)) findings.unexpected.push(`${name} got ${short(body)}, which was not published`);
      else if (n > 1) findings.duplicates.push(`${name} got the body ${short(body)} ${n} times`);
    }
  }
  const others = countBy(
    records.filter((record) => !expected.functions.includes(record.function)),
    (r) => r.function,
  );
  for (const [name, n] of others) findings.unexpected.push(`${name} got ${n} requests and should have got none`);
  return findings;
}

function duplicateIds(records: readonly Recorded[]): string[] {
  const times = countBy(records, (record) => `${record.function} ${record.eventId}`);
  return [...times].filter(([, n]) => n > 1).map(([key, n]) => `${key.replace(' ', ' got the event id ')} ${n} times`);
}

const bodyOf = (record: Recorded): string => record.body ?? '';
const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

const reasons = z.record(z.string(), z.int().min(0));
const count = z.int().min(0);

/** `GET /v1/ledger` as this program's users see it: declared here again, since a checker shares no code with what it checks. */
const ledger = z.object({
  balanced: z.boolean(),
  triggers: z.array(
    z.object({
      kind: z.string(),
      namespace: z.string(),
      name: z.string(),
      gaps: z.array(z.unknown()),
      functions: z.array(
        z.object({
          name: z.string(),
          read: count,
          filtered: count,
          claimed: count,
          delivered: count,
          rejected: count,
          unknown: reasons,
          droppedBeforeClaim: reasons,
          dropped: reasons,
          inFlight: count,
        }),
      ),
    }),
  ),
});
export type Ledger = z.infer<typeof ledger>;
type Row = Ledger['triggers'][number]['functions'][number];

export const parseLedger = (report: unknown): Ledger => ledger.parse(report);

/** Invariant I2 over a ledger report: a sentence for each row that does not add up. Empty when it holds. */
export function checkLedger(report: unknown): string[] {
  const { balanced, triggers } = parseLedger(report);
  const problems = triggers.flatMap(({ kind, namespace, name, functions }) =>
    functions.flatMap((row) => rowProblems(`${kind} ${namespace}/${name} → ${row.name}`, row)),
  );
  if (balanced !== (problems.length === 0)) problems.push(`the report says balanced: ${balanced}`);
  return problems;
}

function rowProblems(where: string, row: Row): string[] {
  const before = row.filtered + sum(row.droppedBeforeClaim) + row.claimed;
  const after = row.delivered + row.rejected + sum(row.unknown) + sum(row.dropped) + row.inFlight;
  return [
    ...(row.read === before
      ? []
      : [`${where}: read ${row.read}, but filtered + dropped before the claim + claimed is ${before}`]),
    ...(row.claimed === after
      ? []
      : [`${where}: claimed ${row.claimed}, but delivered + rejected + unknown + dropped + in flight is ${after}`]),
  ];
}

const sum = (byReason: Readonly<Record<string, number>>): number =>
  Object.values(byReason).reduce((total, n) => total + n, 0);
