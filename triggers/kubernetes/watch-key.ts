import { createHash } from 'node:crypto';
import { apiVersionOf } from '../../src/sdk.ts';
import type { WatchCheckpointSpec } from './checkpoint.ts';
import type { WatchTarget } from './target.ts';

/** As whom a watch is made. Another identity may see other objects, so it never shares a watch. */
export interface WatchIdentity {
  /** What the gateway or controller itself may. */
  readonly type: 'gateway';
}

export const ownIdentity: WatchIdentity = { type: 'gateway' };

/** Which subscriptions share a watch, and where its checkpoint is. */
export interface WatchKey {
  /** Of the triggers: the checkpoint lives beside them, and no two namespaces share one. */
  readonly namespace: string;
  /** Of the checkpoint. */
  readonly name: string;
  readonly spec: WatchCheckpointSpec;
}

const HASH_LENGTH = 12;
const MOST_NAME = 200;

/** @param cluster that has the objects, where it is not the one that has the triggers */
export function watchKey(
  namespace: string,
  target: WatchTarget,
  identity: WatchIdentity,
  cluster: string | undefined,
): WatchKey {
  const { type, scope } = target;
  const spec = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    scope: scope.namespace ?? '*',
    labelSelector: scope.labelSelector ?? '',
    fieldSelector: scope.fieldSelector ?? '',
    identity: identity.type,
    ...(cluster !== undefined && { cluster }),
  };
  const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, HASH_LENGTH);
  return { namespace, name: `${type.plural.slice(0, MOST_NAME)}-${hash}`, spec };
}
