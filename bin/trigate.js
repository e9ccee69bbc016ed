#!/usr/bin/env node
/*
 * Starts the program on a Node.js that can run it. This file alone keeps to the syntax of Node.js 16: on an older one
 * than the program needs, it runs the program with the packaged Node.js, or says what to install.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The first that runs TypeScript as it is; the same as `engines` in package.json. */
const NEEDED = [22, 19];

const root = fileURLToPath(new URL('..', import.meta.url));
const program = programFile();
if (process.argv.length === 3 && process.argv[2] === '--version') {
  // Prompts and scripts ask for it often: nothing else is loaded for it, what reads TypeScript least of all.
  console.log(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
} else if (isEnough(process.versions.node)) {
  await keepCompiled();
  // The program sees itself as the script, as it does when it is run without this file.
  process.argv[1] = program;
  await import(pathToFileURL(program).href);
} else {
  const node = await packagedNode();
  if (node === undefined) refuse();
  else await runWith(node);
}

/** The source in a checkout, the compiled program in a release. */
function programFile() {
  const source = join(root, 'src', 'cli', 'main.ts');
  return existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js');
}

function isEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/**
 * What was compiled once is kept for the next command, most of whose time it took. In a folder of the user's
 * own, never in the temporary one that is Node.js' default: what lies there is run. Where it cannot be written, it is not.
 */
async function keepCompiled() {
  const [{ enableCompileCache }, { homedir }] = await Promise.all([import('node:module'), import('node:os')]);
  try {
    enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trigate', 'compiled'));
  } catch {
    // A user without a home.
  }
}

/** Found as Node.js finds packages, so also where npm put it beside this package instead of inside. */
async function packagedNode() {
  try {
    const { createRequire } = await import('node:module');
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    return isEnough(version) && existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function refuse() {
  const needed = NEEDED.join('.');
  console.error(
    `trigate needs Node.js ${needed} or newer and this is ${process.versions.node}: install it from https://nodejs.org, or run "npm install node@24" here.`,
  );
  process.exitCode = 1;
}

/** Stands in for the program until it ends: signals go to it, its exit code or signal comes back. */
async function runWith(node) {
  const [{ spawn }, { constants }] = await Promise.all([import('node:child_process'), import('node:os')]);
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to the whole group, so the child has it already; twice would mean "at once".
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    console.error(`trigate could not start ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + constants.signals[signal] : code;
  });
}
