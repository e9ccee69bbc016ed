import { processEnvironment } from '../config/process.ts';
import { processTerminal } from './process-terminal.ts';
import { run } from './run.ts';

// Not process.exit: what is still to be written to a pipe would be cut.
process.exitCode = await run(process.argv.slice(2), processTerminal(), processEnvironment());
