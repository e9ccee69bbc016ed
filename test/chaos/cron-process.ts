import { fastClock, startCronController } from '../support/cron-controller.ts';

// A process for cronjob.test.ts to kill, freeze and stop.
// Usage: cron-process.ts URL SINCE FACTOR

const [, , url = '', since = '0', factor = '1'] = process.argv;
const controller = await startCronController(url, fastClock(Number(since), Number(factor)), false);
process.once('SIGTERM', () => void controller.close().then(() => process.exit(0)));
console.log('running');
