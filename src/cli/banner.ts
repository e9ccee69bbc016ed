import { styleText } from 'node:util';
import type { TriggerView } from '../controller/controller.ts';
import type { LedgerReport } from '../domain/ledger.ts';
import { total } from '../domain/ledger.ts';

export interface BannerFacts {
  readonly version: string;
  readonly url: string;
  /** A command speaks to this gateway by itself: no kubeconfig and no variable leads it elsewhere. */
  readonly isDefault: boolean;
  readonly dataDir: string;
  readonly sources: readonly { readonly name: string; readonly from: string }[];
  readonly triggers: readonly TriggerView[];
  /** Said when the default port was taken. */
  readonly portNote: string | undefined;
}

type Style = Parameters<typeof styleText>[0];

/** About a dozen aligned lines: what runs, where, and how to send an event. */
export function bannerLines(facts: BannerFacts, colour: boolean): string[] {
  const style = (format: Style, text: string) => (colour ? styleText(format, text, { validateStream: false }) : text);
  const row = (name: string, text: string) => `  ${style('dim', name.padEnd(10))} ${text}`;
  const topic =
    facts.triggers.find(
      ({ trigger, functions }) => (trigger.kind === 'kafka' || trigger.kind === 'nats') && functions.length > 0,
    )?.topic ?? 'orders';
  return [
    '',
    `  ${style('bold', 'Trigate')} ${facts.version}  events to functions, at most once`,
    '',
    row('mode', 'standalone: embedded resource API, topic log and function runner'),
    ...facts.sources.map(({ name, from }) => row(name, from)),
    row('data', facts.dataDir),
    row('api', `${facts.url}  (kubectl --server ${facts.url})`),
    row('metrics', `${facts.url}/metrics`),
    ...(facts.portNote === undefined ? [] : [row('port', style('yellow', facts.portNote))]),
    ...facts.triggers.map((trigger) => row('trigger', triggerLine(trigger, style))),
    '',
    row(
      'try',
      style(
        'cyan',
        `npx trigate topic publish --topic ${topic} --data '{"order":1}'${facts.isDefault ? '' : ` --gateway ${facts.url}`}`,
      ),
    ),
    '',
  ];
}

function triggerLine(view: TriggerView, style: (format: Style, text: string) => string): string {
  const name = `${view.trigger.name} (${view.trigger.kind} ${view.topic})`;
  if (view.functions.length === 0) return `${name} ${style('yellow', `\u2192 no function: ${view.message}`)}`;
  return `${name} \u2192 ${view.functions.join(', ')}`;
}

/** The last line: what came of all copies, since the triggers were created. */
export function totals(
  report: LedgerReport,
): Record<'claimed' | 'delivered' | 'rejected' | 'unknown' | 'dropped', number> & { droppedBeforeClaim?: number } {
  const sums = { claimed: 0, delivered: 0, rejected: 0, unknown: 0, dropped: 0 };
  let droppedBeforeClaim = 0;
  for (const counts of report.triggers.flatMap((trigger) => trigger.functions)) {
    sums.claimed += counts.claimed;
    sums.delivered += counts.delivered;
    sums.rejected += counts.rejected;
    sums.unknown += total(counts.unknown);
    sums.dropped += total(counts.dropped);
    droppedBeforeClaim += total(counts.droppedBeforeClaim);
  }
  return droppedBeforeClaim > 0 ? { ...sums, droppedBeforeClaim } : sums;
}
