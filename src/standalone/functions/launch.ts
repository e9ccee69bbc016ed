import { extname, join } from 'node:path';
import type { RunPlan } from './plan.ts';
import type { ProcessSettings } from './runtime/contract.ts';

/** How the process of a function is started. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the code lies. */
  readonly cwd: string;
}

export interface LaunchOptions {
  readonly functionName: string;
  readonly file: string;
  readonly port: number;
  readonly maxBodyBytes: number;
  /** What the process inherits: PATH, HOME, locale. Never the gateway's own environment, which holds credentials. */
  readonly environment: Readonly<Record<string, string>>;
}

const RUNTIME = join(import.meta.dirname, 'runtime');

export function launch(plan: RunPlan, options: LaunchOptions): Launch {
  const settings: ProcessSettings = {
    file: options.file,
    handler: plan.handler,
    port: options.port,
    timeoutMs: plan.timeoutMs,
    maxBodyBytes: options.maxBodyBytes,
    context: {
      'function-name': options.functionName,
      timeout: plan.timeoutMs / 1_000,
      runtime: plan.runtime,
      'memory-limit': plan.memoryLimit,
    },
  };
  return {
    ...interpreter(plan, JSON.stringify(settings)),
    env: { ...options.environment, ...plan.environment, ...kubelessEnvironment(plan) },
    cwd: join(options.file, '..'),
  };
}

function interpreter({ language }: RunPlan, settings: string): Pick<Launch, 'command' | 'args'> {
  switch (language) {
    case 'nodejs': {
      const runtime = join(RUNTIME, `node${extname(import.meta.filename)}`);
      return { command: process.execPath, args: ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', runtime, settings] };
    }
    case 'python':
      return { command: 'python3', args: ['-u', join(RUNTIME, 'python.py'), settings] };
    default:
      return language satisfies never;
  }
}

const kubelessEnvironment = (plan: RunPlan) => ({
  MOD_NAME: plan.module,
  FUNC_HANDLER: plan.handler,
  FUNC_TIMEOUT: String(plan.timeoutMs / 1_000),
  FUNC_RUNTIME: plan.runtime,
  FUNC_MEMORY_LIMIT: plan.memoryLimit,
});
