type Labels = Readonly<Record<string, string>>;

/** A Function that lives at an address. */
export function functionAt(name: string, endpoint: string, labels: Labels, spec: object = {}): object {
  return object('Function', { name, labels }, { endpoint, ...spec });
}

/** A trigger that selects functions by label. */
export function triggerFor(kind: 'kafka' | 'nats', name: string, topic: string, labels: Labels, spec: object = {}) {
  const selector = { functionSelector: { matchLabels: labels } };
  return object(kind === 'kafka' ? 'KafkaTrigger' : 'NATSTrigger', { name }, { topic, ...selector, ...spec });
}

const object = (kind: string, metadata: object, spec: object): object => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind,
  metadata,
  spec,
});
