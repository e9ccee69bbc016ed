import type { Counts } from '../../../src/domain/ledger.ts';
import { total } from '../../../src/domain/ledger.ts';
import type { Recorded } from '../../support/function-server.ts';
import type { Written } from './writers.ts';

export interface SeenGap {
  /** Tells between which versions it lies. */
  readonly cause: string;
}

export interface Findings {
  readonly received: number;
  /** (object, version, verb, function) that came more than once. */
  readonly twice: number;
  /** Confirmed changes that did not come, and lie in no recorded gap. */
  readonly missing: number;
  /** Those that lie in one. */
  readonly inGaps: number;
  /** Copies that the ledger has as unknown or dropped: at least as many as are missing. */
  readonly named: number;
  /** What is wrong, in sentences. */
  readonly problems: readonly string[];
}

/** The version of a deletion is not told: it is about that of what was written just before. */
const NEIGHBOURS = 16;

/** Looks at what one function of one trigger got, with nothing of the program's own but its counts and gaps. */
export function check(
  name: string,
  records: readonly Recorded[],
  written: readonly Written[],
  counts: Counts,
  gaps: readonly SeenGap[],
): Findings {
  const keys = records.map(keyOf);
  const came = new Set(keys);
  const ids = new Set(records.map(({ eventId }) => eventId));
  const absent = written.filter(
    (change) => !came.has(`${change.uid} ${change.verb}${change.version === undefined ? '' : `@${change.version}`}`),
  );
  const ranges = gaps.map(
    ({ cause }) =>
      cause
        .match(/\d{3,}/g)
        ?.slice(0, 2)
        .map(Number) ?? [],
  );
  const isInGap = ({ about, version }: Written) =>
    ranges.some(([from = 0, to = 0]) => {
      const slack = version === undefined ? NEIGHBOURS : 0;
      return about > from - slack && about <= to + slack;
    });
  const inGaps = absent.filter(isInGap).length;
  const missing = absent.length - inGaps;
  const named = total(counts.unknown) + total(counts.dropped) + total(counts.droppedBeforeClaim);
  const inDoubt = total(counts.unknown) + counts.dropped.claim_lost;
  const twice = keys.length - came.size + (records.length - ids.size);
  const problems = [
    ...(twice > 0 ? [`${name}: ${twice} came twice`] : []),
    ...(missing > named ? [`${name}: ${missing} are missing outside of gaps, and the ledger names only ${named}`] : []),
    ...(counts.delivered > records.length
      ? [`${name}: ${counts.delivered} delivered, but ${records.length} came`]
      : []),
    ...(records.length > counts.delivered + inDoubt
      ? [`${name}: ${records.length} came, but only ${counts.delivered} are delivered and ${inDoubt} in doubt`]
      : []),
  ];
  return { received: records.length, twice, missing, inGaps, named, problems };
}

/** Of a deletion the writers do not know the version. */
function keyOf({ headers, body }: Recorded): string {
  const verb = String(headers['x-kubernetes-event-type']).toLowerCase();
  const document = JSON.parse(body ?? '{}');
  const { uid, resourceVersion } = (document.object ?? document).metadata;
  return verb === 'deleted' ? `${uid} deleted` : `${uid} ${verb}@${resourceVersion}`;
}
