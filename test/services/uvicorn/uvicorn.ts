import { cached, run } from '../cache.ts';

const VERSION = '0.54.0';
/** With what it needs to speak HTTP/1.1, pinned. */
const PACKAGES = [`uvicorn==${VERSION}`, 'h11==0.16.0', 'click==8.3.1'];

const python = { command: 'python3', install: 'Install Python 3.10 or later with pip.' };

/** The folder to put on `PYTHONPATH`. */
export const uvicornPath = (): Promise<string> =>
  cached('uvicorn', VERSION, (into) =>
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', into, ...PACKAGES]),
  );
