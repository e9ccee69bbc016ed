import { packageVersion } from './version.ts';

const args = process.argv.slice(2);

// Prompts and scripts ask for it often: nothing else is loaded for it.
if (args.length === 1 && args[0] === '--version') process.stdout.write(`${packageVersion()}\n`);
else {
  const [{ processEnvironment }, { processTerminal }, { run }] = await Promise.all([
    import('../config/process.ts'),
    import('./process-terminal.ts'),
    import('./run.ts'),
  ]);
  // Not process.exit: what is still to be written to a pipe would be cut.
  process.exitCode = await run(args, processTerminal(), processEnvironment());
}
