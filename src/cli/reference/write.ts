import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processEnvironment } from '../../config/process.ts';
import { processTerminal } from '../process-terminal.ts';
import { buildProgram } from '../program.ts';
import { messagesOn } from '../terminal.ts';
import { packageVersion } from '../version.ts';
import { commandReference } from './reference.ts';

/* Writes docs/cli.md: `npm run docs`. */

const terminal = processTerminal();
const shell = { terminal, messages: messagesOn(terminal), env: processEnvironment() };
const file = join(import.meta.dirname, '../../../docs/cli.md');
await writeFile(file, commandReference(buildProgram(shell, packageVersion())));
