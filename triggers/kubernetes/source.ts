import { type Source, type SourceContext, type Subscription, TrigateError } from '../../src/sdk.ts';
import { eventMaker } from './event.ts';
import type { WatchHub } from './hub.ts';
import { type Member, memberKey } from './member.ts';
import type { WatchPolicy } from './policy.ts';
import type { KubernetesTriggerSpec } from './spec.ts';
import { findTarget, namesOf } from './target.ts';
import { ownIdentity, watchKey } from './watch-key.ts';

/**
 * One trigger for one group of functions, at the watch that it shares with all that ask for the same. What happens there is
 * told in `shared-watch.ts` (who holds it), `holding.ts` (what is read and stored) and `reader.ts` (what is claimed).
 */
export async function openKubernetesSource(
  subscription: Subscription<KubernetesTriggerSpec>,
  context: SourceContext,
  hub: WatchHub,
  policy: WatchPolicy,
): Promise<Source> {
  const { trigger, spec } = subscription;
  context.signal.throwIfAborted();
  const target = await findTarget(hub.discover(context.clock), spec, trigger.namespace, policy).catch(named);
  const cluster = await hub.cluster().catch(named);
  context.signal.throwIfAborted();
  const { type } = target;
  const member: Member = {
    key: memberKey(subscription),
    subscription,
    context,
    type,
    names: namesOf(target),
    makeEvent: eventMaker(type, spec),
  };
  const watch = await hub.join(watchKey(trigger.namespace, target, ownIdentity, cluster), target, member).catch(named);
  if (context.signal.aborted) {
    await watch.leave(member, context.clock.monotonic());
    context.signal.throwIfAborted();
  }
  let closing: Promise<void> | undefined;
  const stop = () => watch.reader(member.key)?.stop();
  context.signal.addEventListener('abort', stop);
  return {
    close(deadline) {
      context.signal.removeEventListener('abort', stop);
      closing ??= watch.leave(member, deadline);
      return closing;
    },
    progress: () => watch.reader(member.key)?.progress(type.plural) ?? idle(context),
  };
}

/** Another process reads. */
const idle = ({ clock }: SourceContext) => ({ parts: [], movedAt: clock.monotonic(), held: true, rebalances: 0 });

/** The API server is the broker here. */
function named(thrown: unknown): never {
  if (!(thrown instanceof TrigateError) || thrown.code !== 'GATEWAY_UNREACHABLE') throw thrown;
  throw new TrigateError('BROKER_UNREACHABLE', `The API server cannot be reached: ${thrown.message}`, {
    cause: thrown,
  });
}
