import { Controller } from '../../src/controller/controller.ts';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { createDelivery, type Delivery } from '../../src/delivery/delivery.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Logger } from '../../src/domain/kind.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { createKubernetesKind, type KubernetesKindOptions } from '../../triggers/kubernetes/index.ts';
import { testCaller } from './caller.ts';
import { silent } from './topic-log.ts';

export interface WatchController {
  readonly controller: Controller;
  readonly delivery: Delivery;
  /** Drains and gives its watches back. Idempotent. */
  close(): Promise<void>;
}

/** A process that runs KubernetesTriggers, without its process. */
export async function startWatchController(
  resources: Resources,
  options: Partial<KubernetesKindOptions> = {},
  log: Logger = silent,
): Promise<WatchController> {
  const clock = systemClock;
  const delivery = createDelivery({
    createCaller: callers(testCaller, { clock, forbids: anyAddress }),
    sink: { outcome() {}, late() {}, gap() {}, forget() {} },
    userAgent: 'trigate/test',
    clock,
    random: Math.random,
  });
  const controller = new Controller({
    kinds: [createKubernetesKind({ home: () => resources, alone: true, ...options })],
    resources,
    delivery,
    namespace: undefined,
    clock,
    random: Math.random,
    stallAfter: 60_000,
    log,
  });
  await controller.start();
  let closing: Promise<void> | undefined;
  return {
    controller,
    delivery,
    close: () => (closing ??= controller.close(clock.monotonic() + 20_000)),
  };
}
