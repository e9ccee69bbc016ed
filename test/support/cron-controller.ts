import { Controller } from '../../src/controller/controller.ts';
import { undiciCaller } from '../../src/delivery/call/undici.ts';
import { createDelivery, type Delivery } from '../../src/delivery/delivery.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { createResources } from '../../src/resources/client.ts';
import { createCronJobKind } from '../../triggers/cronjob/index.ts';
import { silent } from './topic-log.ts';

export interface CronController {
  readonly delivery: Delivery;
  close(): Promise<void>;
}

/** A clock that runs `factor` times as fast, from the same moment on in every process. */
export const fastClock = (since: number, factor: number): Clock => ({
  now: () => since + (systemClock.now() - since) * factor,
  monotonic: () => systemClock.monotonic() * factor,
  after: (ms, callback) => systemClock.after(ms / factor, callback),
});

/** A process that runs cron triggers, without its process. */
export async function startCronController(url: string, clock: Clock, alone: boolean): Promise<CronController> {
  const resources = createResources({ url });
  const delivery = createDelivery({
    createCaller: undiciCaller,
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
    log: silent,
  });
  await controller.start();
  return {
    delivery,
    async close() {
      await controller.close(clock.monotonic() + 20_000);
      await resources.close();
    },
  };
}
