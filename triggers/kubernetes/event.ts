import {
  apiVersionOf,
  attributeText,
  type Event,
  eventId,
  fieldText,
  type HeaderField,
  knownText,
  orderKey,
  type ResourceType,
  resourceName,
  resourcePath,
  type SourceCoordinates,
  unknownEventId,
} from '../../src/sdk.ts';
import type { Change } from './change.ts';
import type { KubernetesTriggerSpec } from './spec.ts';

/** A change of an object, on its way to the functions of one trigger. */
export interface KubernetesEvent extends Event {
  readonly coordinates: Extract<SourceCoordinates, { type: 'kubernetes' }>;
}

/** Makes the events of one trigger. */
export function eventMaker(type: ResourceType, spec: KubernetesTriggerSpec): (change: Change) => KubernetesEvent {
  const resource = resourceName(type);
  const origin = attributeText(resourcePath(type));
  const names = { apiVersion: apiVersionOf(type), kind: type.kind };
  return (change) => {
    const { verb, uid, namespace, name, resourceVersion, time } = change.facts;
    return {
      id: eventId(`kubernetes/${uid}`, `${verb}@${resourceVersion}`),
      time,
      topic: undefined,
      origin,
      subject: attributeText(resourcePath(type, namespace || undefined, name)),
      contentType: 'application/json',
      attributes: { ...NOTHING, type: knownText(`dev.trigate.kubernetes.${verb}`) },
      headers: headersOf(change, type, spec),
      order: orderOf(spec, uid),
      data: change.body(names, spec),
      coordinates: { type: 'kubernetes', resource, namespace, name, uid, resourceVersion, change: verb },
    };
  };
}

const NOTHING = {
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  subject: undefined,
  extensions: [],
};

/** The first two are Fission's. */
function headersOf(change: Change, type: ResourceType, spec: KubernetesTriggerSpec): HeaderField[] {
  const { verb, origin, json } = change.facts;
  const headers: HeaderField[] = [
    ['x-kubernetes-event-type', knownText(verb.toUpperCase())],
    ['x-kubernetes-object-type', fieldText(type.kind)],
  ];
  if (origin === 'collapsed') headers.push(['event-collapsed', knownText('true')]);
  if (origin === 'existing') headers.push(['event-existing', knownText('true')]);
  if (spec.changed.length > 0 && verb === 'modified' && change.changed(spec.changed) === undefined) {
    headers.push(['event-old-object', knownText('unknown')]);
  }
  if (spec.mode !== 'reference' && json === undefined) headers.push(['event-object', knownText('unknown')]);
  return headers;
}

function orderOf({ delivery }: KubernetesTriggerSpec, uid: string): number | null {
  switch (delivery.order) {
    case 'key':
      return orderKey(uid);
    case 'partition':
      return 0;
    case 'none':
      return null;
    default:
      return delivery.order satisfies never;
  }
}

/** An event that a dead predecessor claimed: all that is left of it is between which versions it lay. */
export function eventInDoubt(
  type: ResourceType,
  from: string,
  through: string,
): Pick<KubernetesEvent, 'id' | 'time' | 'coordinates'> {
  const resourceVersion = from === through ? through : `${from}-${through}`;
  const nobody = { namespace: '', name: '', uid: '' };
  return {
    id: unknownEventId,
    time: 0,
    coordinates: { type: 'kubernetes', resource: resourceName(type), ...nobody, resourceVersion, change: 'unknown' },
  };
}
