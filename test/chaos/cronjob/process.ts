import { readFileSync } from 'node:fs';
import { fastClock, startCronController } from '../../support/cron-controller.ts';

// A process for the cron chaos to kill, freeze, set the clock of, and stop.
// Usage: process.ts FILE SINCE FACTOR: FILE is JSON of how to reach the API server. SIGUSR2: its clock is set by what FILE.skew says.

const [, , file = '', since = '0', factor = '1'] = process.argv;
const fast = fastClock(Number(since), Number(factor));
let skew = 0;
process.on('SIGUSR2', () => {
  skew = Number(readFileSync(`${file}.skew`, 'utf8'));
});
const clock = { ...fast, now: () => fast.now() + skew };
const controller = await startCronController(JSON.parse(readFileSync(file, 'utf8')), clock, false);
process.once('SIGTERM', () => void controller.close().then(() => process.exit(0)));
console.log('running');
