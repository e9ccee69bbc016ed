import { resourcesOf } from '../../support/cron-controller.ts';
import { startWatchController } from '../../support/watch-controller.ts';

// A process that runs KubernetesTriggers, for the chaos run to kill.
// Usage: process.ts '{"url": …, "ca": …, "token": …}' LEASE_MS

const [, , access = '{}', lease = ''] = process.argv;
const resources = resourcesOf(JSON.parse(access));
const leaseMs = Number(lease);
const say = (fields: object, message: string) => console.log(new Date().toISOString(), message, JSON.stringify(fields));
const log = { debug() {}, info: say, warn: say, error: say };
const controller = await startWatchController(resources, leaseMs === 0 ? {} : { alone: false, leaseMs }, log);
process.once('SIGTERM', () => void controller.close().then(() => process.exit(0)));
console.log('running');
