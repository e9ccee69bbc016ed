import { duration } from '../../../domain/duration.ts';
import { TrigateError } from '../../../domain/errors.ts';
import { labelKeyProblem, labelValueProblem } from '../../../resources/labels.ts';
import type { DryRun } from '../../options.ts';
import { readCode, readDependencies } from './content.ts';
import { keyValues, splitList } from './key-values.ts';
import type { GivenFunction } from './object.ts';
import { canonicalQuantity } from './quantity.ts';

/** Flags of `function deploy` and `function update`, as given. An empty one counts as not given, as in Kubeless. */
export interface FunctionFlags {
  readonly runtime?: string | undefined;
  readonly handler?: string | undefined;
  readonly fromFile?: string | undefined;
  readonly dependencies?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly secrets?: readonly string[] | undefined;
  readonly nodeSelectors?: readonly string[] | undefined;
  readonly serviceAccount?: string | undefined;
  readonly memory?: string | undefined;
  readonly cpu?: string | undefined;
  readonly runtimeImage?: string | undefined;
  readonly imagePullPolicy?: string | undefined;
  readonly timeout?: string | undefined;
  readonly headless?: boolean | undefined;
  readonly port?: string | undefined;
  readonly servicePort?: string | undefined;
  readonly schedule?: string | undefined;
  readonly dryRun: DryRun;
  readonly output: string;
}

const POLICIES = ['IfNotPresent', 'Always', 'Never'];

/** Reads the files that flags name. @throws TrigateError INVALID_ARGUMENT */
export async function readFlags(flags: FunctionFlags): Promise<GivenFunction> {
  const { imagePullPolicy, port, servicePort, fromFile, dependencies } = flags;
  if (imagePullPolicy && !POLICIES.includes(imagePullPolicy)) {
    throw invalid(`image-pull-policy must be {${POLICIES.join('|')}}, found ${JSON.stringify(imagePullPolicy)}`);
  }
  if (flags.timeout && !duration.safeParse(flags.timeout).success) {
    const allowed = 'a number of seconds, or a duration such as 500ms, 30s, 5m or 24h';
    throw invalid(`--timeout must be ${allowed}, found ${JSON.stringify(flags.timeout)}.`);
  }
  const given = {
    port: readPort('port', port, 1),
    servicePort: readPort('servicePort', servicePort, 0) || undefined,
    memory: readQuantity('of the memory', flags.memory),
    cpu: readQuantity('for cpu', flags.cpu),
  };
  return {
    ...given,
    imagePullPolicy: imagePullPolicy || undefined,
    handler: flags.handler || undefined,
    runtime: flags.runtime || undefined,
    image: flags.runtimeImage || undefined,
    timeout: flags.timeout || undefined,
    serviceAccount: flags.serviceAccount || undefined,
    headless: flags.headless,
    labels: labels('--label', flags.label),
    environment: pairs('--env', flags.env),
    nodeSelectors: labels('--node-selectors', flags.nodeSelectors),
    secrets: words(flags.secrets),
    dependencies: dependencies ? await readDependencies('--dependencies', dependencies) : undefined,
    code: fromFile ? await readCode('--from-file', fromFile) : undefined,
  };
}

/** Undefined when no word is given. */
function words(given: readonly string[] = []): readonly string[] | undefined {
  const all = given.flatMap(splitList);
  return all.length === 0 ? undefined : all;
}

function pairs(flag: string, given: readonly string[] | undefined) {
  const all = words(given);
  const nameless = all?.find((word) => /^[=:]/.test(word));
  if (nameless !== undefined) throw invalid(`${flag} must be name=value, found ${JSON.stringify(nameless)}.`);
  return all && keyValues(all);
}

function labels(flag: string, given: readonly string[] | undefined) {
  const all = pairs(flag, given);
  for (const [key, value] of all ?? []) {
    const problem = labelKeyProblem(key) ?? labelValueProblem(value);
    if (problem !== undefined) throw invalid(`${flag}: ${problem}.`);
  }
  return all;
}

function readPort(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const port = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (port >= least && port <= 65_535) return port;
  const allowed = least === 0 ? '1 to 65535, or 0 for that of --port' : '1 to 65535';
  throw invalid(`Invalid ${flag} number ${text} specified: allowed is ${allowed}`);
}

function readQuantity(what: string, text: string | undefined): string | undefined {
  if (!text) return undefined;
  const quantity = canonicalQuantity(text);
  if (quantity !== undefined) return quantity;
  throw invalid(
    `Wrong format ${what} value: must be a number with a suffix, such as 128Mi, 1G or 500m, found "${text}"`,
  );
}

const invalid = (sentence: string) => new TrigateError('INVALID_ARGUMENT', sentence);
