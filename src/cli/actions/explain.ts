import { z } from 'zod';
import { TrigateError } from '../../domain/errors.ts';
import { nearest } from '../../domain/nearest.ts';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { triggerKey } from '../../domain/trigger.ts';
import { type EventRow, place, result, said } from '../event-lines.ts';
import { goneTriggers, triggerOf, wentThrough } from '../explain/past.ts';
import { explanationRows, HEADS, type Outcomes, withOutcomes } from '../explain/rows.ts';
import { type AskedEvent, judge, judgeFunctions, kindOf, type TriggerVerdict } from '../explain/verdict.ts';
import { isTriggerType } from '../kind-names.ts';
import { listIfServed } from '../listing.ts';
import { manifestTypes } from '../manifest-types.ts';
import { type Candidate, functionsOf } from '../matches.ts';
import { checkNamespace, checkPublishTopic } from '../names.ts';
import { readEvents } from '../observed.ts';
import { formatObject, isForm, type Output, readOutput } from '../output.ts';
import type { Session } from '../shell.ts';
import { type DataFlags, readData } from './event-data.ts';

export interface ExplainFlags extends DataFlags {
  readonly topic?: string | undefined;
  readonly broker?: string | undefined;
  /** Undefined: of every namespace. */
  readonly namespace?: string | undefined;
  readonly output?: string | undefined;
}

const FORMATS = ['wide', 'json', 'yaml', 'jsonpath'] as const;

/** Why an event went where it went: each trigger and function, what it said, and what came of it. */
export async function explainEvent(session: Session, id: string, flags: ExplainFlags): Promise<void> {
  const output = readOutput(flags.output, FORMATS);
  if (!/^[\w-]{15}$/.test(id)) {
    const text = `An event id has 15 letters, digits, "-" and "_", found ${JSON.stringify(id)}: "trigate events -o wide" shows them.`;
    throw new TrigateError('INVALID_ARGUMENT', text);
  }
  const { events } = await readEvents(session, { id, limit: '1000', since: EVER });
  const rows = events.filter((row) => flags.namespace === undefined || row.namespace === flags.namespace);
  const [first] = rows;
  if (first === undefined) {
    const text = `Nobody holds an outcome of event ${id}: it is still under way, it was never read, or it has been overwritten by later ones.`;
    throw new TrigateError('NOT_FOUND', text);
  }
  const event = askedOf(first);
  const verdicts = await allVerdicts(session, flags, (type, object, functions) => {
    const row = rows.find((each) => isOf(each, type, object));
    if (event !== undefined) {
      const verdict = judge(type, object, functions, event);
      return row === undefined || verdict.listens ? verdict : wentThrough(row, rows, `now ${verdict.why}`);
    }
    // It came from no topic: only the triggers that it went through were asked.
    if (row === undefined) return undefined;
    return {
      trigger: triggerOf(row),
      listens: true,
      why: `is its own: ${place(row.source)}`,
      functions: judgeFunctions(object.spec, functions),
    };
  });
  session.messages.info(`Event ${id} of ${place(first.source)}; triggers and labels are shown as they are now.`);
  await print(
    session,
    output,
    [...verdicts, ...goneTriggers(rows, verdicts)],
    outcomesOf(rows, isForm(output) ? result : said),
  );
}

/** Since the epoch: all that is held, not the newest page. */
const EVER = '1970-01-01T00:00:00Z';

const isOf = (row: EventRow, type: ServedType, { metadata }: KubernetesObject): boolean =>
  row.kind === kindOf(type) && row.namespace === (metadata.namespace ?? 'default') && row.trigger === metadata.name;

/** The topic that the event came from; undefined: from none. */
function askedOf({ source }: EventRow): AskedEvent | undefined {
  const { type, topic, subject } = source ?? {};
  const name = topic ?? subject;
  if (typeof name !== 'string') return undefined;
  return { topic: name, kinds: type === 'kafka' || type === 'nats' ? [type] : undefined };
}

/** @param say forms hold nothing of what a function said: it is in `events -o json`, escaped */
function outcomesOf(rows: readonly EventRow[], say: typeof said): Outcomes {
  const outcomes = new Map<string, string>();
  for (const row of rows) {
    for (const each of row.functions) outcomes.set(`${triggerKey(triggerOf(row))}/${each.name}`, say(each));
  }
  return outcomes;
}

/** The same for an event that nobody sends. */
export async function explainTopic(session: Session, topic: string, flags: ExplainFlags): Promise<void> {
  const output = readOutput(flags.output, FORMATS);
  checkPublishTopic(topic);
  const data =
    flags.data === undefined && flags.file === undefined ? undefined : await readData(flags, session.terminal);
  const kinds = kindsOf(flags.broker);
  const event = { topic, kinds };
  const topics = new Set<string>();
  const outcomes = new Map<string, string>();
  const verdicts = await allVerdicts(session, flags, (type, object, functions) => {
    const verdict = judge(type, object, functions, event);
    const named = spec.safeParse(object.spec).data;
    if (named?.topic !== undefined && (kinds?.includes(kindOf(type)) ?? true)) topics.add(named.topic);
    const selected = new Set(verdict.functions.filter((each) => each.selected).map(({ name }) => name));
    for (const each of functions.filter(({ name }) => selected.has(name))) {
      outcomes.set(`${triggerKey(verdict.trigger)}/${each.name}`, foretold(type, named ?? {}, data, each));
    }
    return verdict;
  });
  const size = data === undefined ? '' : ` of ${data.length} B`;
  session.messages.info(`A dry run: nothing is sent. An event${size} in ${topic} would go this way.`);
  await print(session, output, verdicts, outcomes);
  if (verdicts.some(({ listens }) => listens)) return;
  topics.delete(topic);
  const meant = nearest(topic, topics);
  session.messages.warning(`No trigger listens to ${topic}${meant === undefined ? '' : `; nearest: ${meant}`}.`);
}

function kindsOf(broker: string | undefined): readonly string[] | undefined {
  if (broker === undefined || broker === 'log') return undefined;
  if (broker === 'kafka' || broker === 'nats') return [broker];
  throw new TrigateError('INVALID_ARGUMENT', `--broker must be kafka, nats or log, found ${JSON.stringify(broker)}.`);
}

const MIB = 1_048_576;
const spec = z.looseObject({
  topic: z.string().optional(),
  paused: z.boolean().optional(),
  jetstream: z.unknown().optional(),
  delivery: z.looseObject({ maxBytes: z.number().optional() }).optional(),
});

/** What would come of it before the call. */
function foretold(
  type: ServedType,
  { paused, delivery, jetstream }: z.infer<typeof spec>,
  data: Uint8Array | undefined,
  { notReady }: Candidate,
): string {
  // Core NATS keeps nothing; the embedded log, which stands in for it where there is no NATS, does.
  const isCore = kindOf(type) === 'nats' && jetstream === undefined;
  const held = (why: string, reason: string) => `held: ${why}${isCore ? `; with core NATS dropped(${reason})` : ''}`;
  if (paused === true) return held('the trigger is paused', 'paused_skip');
  if (data !== undefined && data.length > (delivery?.maxBytes ?? MIB)) return 'dropped(too_large)';
  return notReady === undefined ? 'called' : held(`the function is not ready (${notReady})`, 'no_endpoint');
}

type Judge = (
  type: ServedType,
  object: KubernetesObject,
  functions: readonly Candidate[],
) => TriggerVerdict | undefined;

/** What every trigger says, by kind, namespace and name. */
async function allVerdicts(session: Session, { namespace }: ExplainFlags, judgeOne: Judge): Promise<TriggerVerdict[]> {
  if (namespace !== undefined) checkNamespace(namespace);
  const functions = new Map<string, Promise<readonly Candidate[]>>();
  const verdicts: TriggerVerdict[] = [];
  for (const type of manifestTypes().filter(isTriggerType)) {
    for (const object of await listIfServed(session, type, namespace === undefined ? {} : { namespace })) {
      const place = object.metadata.namespace ?? 'default';
      const found = functions.get(place) ?? functionsOf(session, place);
      functions.set(place, found);
      const verdict = judgeOne(type, object, await found);
      if (verdict !== undefined) verdicts.push(verdict);
    }
  }
  return verdicts;
}

async function print(
  { terminal, messages }: Session,
  output: Output,
  verdicts: readonly TriggerVerdict[],
  outcomes: Outcomes,
): Promise<void> {
  if (isForm(output)) {
    terminal.stdout.write(await formatObject({ triggers: withOutcomes(verdicts, outcomes) }, output));
    return;
  }
  const shown = output.type === 'wide' ? verdicts : verdicts.filter(({ listens }) => listens);
  const { formatTable } = await import('../table.ts');
  terminal.stdout.write(formatTable(HEADS, explanationRows(shown, outcomes)));
  const hidden = verdicts.length - shown.length;
  if (hidden > 0)
    messages.info(`${hidden} other trigger${hidden === 1 ? ' does' : 's do'} not listen to it; -o wide shows why.`);
}
