import type { CallerName } from '../../src/delivery/call/callers.ts';

/** Who makes the calls wherever a test does not say it: `TEST_CALLER=undici` runs them all with the other caller. */
export const testCaller: CallerName = process.env.TEST_CALLER === 'undici' ? 'undici' : 'http1';
