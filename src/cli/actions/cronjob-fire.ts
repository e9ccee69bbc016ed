import { randomBytes } from 'node:crypto';
import { handKey } from '../../../triggers/cronjob/event.ts';
import { withRequest } from '../../../triggers/cronjob/record.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { TrigateError } from '../../domain/errors.ts';
import { eventId } from '../../domain/event.ts';
import type { Trigger } from '../../domain/trigger.ts';
import { cronJobSort } from '../cronjob-sort.ts';
import type { Session } from '../shell.ts';
import { checkedNamespace, named } from './trigger.ts';

/**
 * Stores a request beside the claims. Whoever runs the trigger claims it like a tick, so that one of all processes fires it,
 * once.
 */
export async function fireCronJob(session: Session, name: string): Promise<void> {
  const namespace = checkedNamespace(session, cronJobSort, name);
  const nonce = randomBytes(9).toString('base64url');
  const request = { nonce, at: session.terminal.clock.now() };
  let groups: string[] = [];
  const stored = await named(`Failed to fire Cronjob trigger ${name} in namespace ${namespace}. Error: `, () =>
    session.resources.updateStatus<Trigger>(cronJobTriggerType, namespace, name, (object) => {
      const claims: Record<string, unknown> = { ...object.status?.claims };
      groups = [];
      for (const [group, value] of Object.entries(claims)) {
        // A function that is not selected now keeps its claims for when it comes back.
        if (group !== '*' && !object.status?.functions?.includes(group)) continue;
        const next = withRequest(value, object.metadata.uid ?? '', request);
        if (next === undefined) continue;
        claims[group] = next;
        groups.push(group);
      }
      return groups.length === 0 ? undefined : { ...object, status: { ...object.status, claims } };
    }),
  );
  if (groups.length === 0) {
    const message = `Cronjob trigger ${name} in namespace ${namespace} runs nowhere: no function is selected, or no controller is there.`;
    throw new TrigateError('CONFLICT', message);
  }
  const id = eventId(`cronjob/${stored.metadata.uid}`, handKey(nonce));
  session.messages.info(`Cronjob trigger ${name} fires now for ${groups.sort().join(', ')}: event ${id}`);
}
