import { hash } from 'node:crypto';
import { parseDuration } from '../../domain/duration.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS, type FunctionObject, type FunctionSpec } from '../../domain/function.ts';
import { type Container, readContainer } from './container.ts';

/** What the runner runs, in any version that is installed: how a runtime's name begins. */
export const languages = ['nodejs', 'python'] as const;

export type Language = (typeof languages)[number];

/** What the runner does with a Function. */
export type Plan =
  | RunPlan
  /** It cannot run here; the condition says why. */
  | { readonly type: 'refuse'; readonly reason: string; readonly message: string }
  /** It has its own endpoint: nothing to run. */
  | { readonly type: 'elsewhere' };

export interface RunPlan extends Container {
  readonly type: 'run';
  /** Changes with whatever makes a new process necessary, and with nothing else. */
  readonly version: string;
  readonly language: Language;
  /** As the object says it: `nodejs24`. */
  readonly runtime: string;
  readonly module: string;
  readonly handler: string;
  readonly code: Uint8Array;
  readonly timeoutMs: number;
}

const VERSION_LENGTH = 12;

/** Reads a Function's spec. Never throws: whatever is wrong becomes a sentence for its condition. */
export function planFunction(object: FunctionObject): Plan {
  const spec = object.spec ?? {};
  if (spec.endpoint !== undefined) return { type: 'elsewhere' };
  if (!spec.function) return refuse('NoCode', 'The function has neither spec.function nor spec.endpoint.');
  const language = languageOf(spec.runtime);
  if (language === undefined) {
    return refuse(
      'UnsupportedRuntime',
      `spec.runtime is ${shown(spec.runtime)}; the local runner runs ${languages.join(' and ')} (any version of them that is installed).`,
    );
  }
  const names = /^([A-Za-z0-9_-]+)\.([A-Za-z_$][\w$]*)$/.exec(spec.handler ?? '');
  if (names === null) {
    return refuse(
      'InvalidHandler',
      `spec.handler is ${shown(spec.handler)}; it must be module.function, such as orders.handler.`,
    );
  }
  const code = decode(spec);
  if (code === undefined) {
    return refuse(
      'UnsupportedContentType',
      `spec.function-content-type is ${shown(spec['function-content-type'])}, which is not supported by the local runner; allowed are text and base64.`,
    );
  }
  if (needsPackages(language, spec.deps)) {
    return refuse(
      'DependenciesNotSupported',
      'spec.deps names packages; the local runner does not install any. Leave it empty, or run the function elsewhere and set spec.endpoint.',
    );
  }
  const container = readContainer(spec);
  if ('problem' in container) return refuse('ContainerNotSupported', container.problem);
  return run(spec, { language, module: names[1] ?? '', handler: names[2] ?? '', code, ...container });
}

function run(spec: FunctionSpec, parts: Omit<RunPlan, 'type' | 'version' | 'runtime' | 'timeoutMs'>): RunPlan {
  const timeoutMs = parseDuration(String(spec.timeout ?? '')) || DEFAULT_FUNCTION_TIMEOUT_MS;
  const runtime = spec.runtime || parts.language;
  const identity = JSON.stringify({ runtime, timeoutMs, ...parts, code: hash('sha256', parts.code) });
  const version = hash('sha256', identity).slice(0, VERSION_LENGTH);
  return { type: 'run', version, runtime, timeoutMs, ...parts };
}

const refuse = (reason: string, message: string): Plan => ({ type: 'refuse', reason, message });

const shown = (value: string | undefined): string => (value === undefined ? 'missing' : JSON.stringify(value));

/** @param runtime such as `nodejs24` */
export const languageOf = (runtime = ''): Language | undefined => languages.find((each) => runtime.startsWith(each));

function decode(spec: FunctionSpec): Uint8Array | undefined {
  switch (spec['function-content-type'] ?? 'text') {
    case 'text':
      return Buffer.from(spec.function ?? '');
    case 'base64':
      return Buffer.from(spec.function ?? '', 'base64');
    default:
      return undefined;
  }
}

/** A package.json without dependencies, or a list of requirements with comments only, needs nothing. */
function needsPackages(language: Language, deps = ''): boolean {
  if (language === 'python') return deps.split('\n').some((line) => /^\s*[^\s#]/.test(line));
  if (deps.trim() === '') return false;
  try {
    const manifest: unknown = JSON.parse(deps);
    return Object.keys(Object(Object(manifest).dependencies)).length > 0;
  } catch {
    return true;
  }
}
