import { Agent } from 'undici';
import { Controller } from '../../src/controller/controller.ts';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { createDelivery, type Delivery } from '../../src/delivery/delivery.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { createResources } from '../../src/resources/client.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { testCaller } from './caller.ts';
import { silent } from './topic-log.ts';

export interface CronController {
  readonly delivery: Delivery;
  /** @param within milliseconds of its clock for what is under way. Default: 20,000 */
  close(within?: number): Promise<void>;
}

/** A clock that runs `factor` times as fast, from the same moment on in every process. */
export const fastClock = (since: number, factor: number): Clock => ({
  now: () => since + (systemClock.now() - since) * factor,
  monotonic: () => systemClock.monotonic() * factor,
  after: (ms, callback) => systemClock.after(ms / factor, callback),
});

/** How to reach an API server. */
export interface ApiAccess {
  readonly url: string;
  readonly ca?: string;
  readonly token?: string;
}

export function resourcesOf({ url, ca, token }: ApiAccess): Resources {
  if (ca === undefined || token === undefined) return createResources({ url });
  const dispatcher = new Agent({ connect: { ca }, allowH2: false });
  const resources = createResources({ url, dispatcher, headers: { authorization: `Bearer ${token}` } });
  return { ...resources, close: () => resources.close().then(() => dispatcher.destroy()) };
}

/** A process that runs cron triggers, without its process. */
export async function startCronController(access: ApiAccess, clock: Clock, alone: boolean): Promise<CronController> {
  const resources = resourcesOf(access);
  const delivery = createDelivery({
    createCaller: callers(testCaller, { clock: clock, forbids: anyAddress }),
    sink: { outcome() {}, late() {}, gap() {}, forget() {} },
    userAgent: 'trigate/test',
    clock,
    random: Math.random,
  });
  const controller = new Controller({
    kinds: [createCronJobKind({ alone })],
    resources,
    delivery,
    namespace: undefined,
    clock,
    random: Math.random,
    stallAfter: 60_000,
    log: silent,
  });
  await controller.start();
  return {
    delivery,
    async close(within = 20_000) {
      await controller.close(clock.monotonic() + within);
      await resources.close();
    },
  };
}
