import { formatObject, isForm, readOutput } from '../../output.ts';
import type { Session } from '../../shell.ts';
import { formatRow, widthsOf } from '../../table.ts';
import { shownFunction } from './shown.ts';
import { functionStates, readyCondition } from './state.ts';
import { checkPlace, existing } from './write.ts';

/** Kubeless' rows, and below them whether it is there to be called. */
export async function describeFunction(session: Session, name: string, output: string | undefined): Promise<void> {
  const { stdout } = session.terminal;
  checkPlace(session, name);
  const form = readOutput(output, ['yaml', 'json', 'name', 'jsonpath']);
  const object = await existing(session, name);
  if (isForm(form)) {
    stdout.write(await formatObject(object, form));
    return;
  }
  const { handler, runtime, deps, endpoint, environment, memory = '0' } = shownFunction(object);
  const states = await functionStates(session, { namespace: session.namespace });
  const rows = [
    ['Name:', name],
    ['Namespace:', object.metadata.namespace ?? ''],
    ['Handler:', handler],
    ['Runtime:', runtime],
    ['Label:', JSON.stringify(Object.fromEntries(Object.entries(object.metadata.labels ?? {}).sort()))],
    ['Envvar:', environment === undefined ? 'null' : JSON.stringify(environment)],
    ['Memory:', memory],
    ['Dependencies:', deps.trimEnd().replaceAll('\n', ', ')],
    ['Status:', states.of(object)],
    ['Message:', endpoint === undefined ? (readyCondition(object)?.message ?? '') : `It answers on ${endpoint}.`],
  ];
  const widths = widthsOf(rows);
  for (const row of rows) stdout.write(formatRow(row, widths));
}
