import { describe, expect, test } from 'vitest';
import { changedFunction, newFunction } from './object.ts';

const stored = newFunction('hello', 'shop', {
  runtime: 'nodejs14',
  handler: 'hello.main',
  timeout: '10',
  imagePullPolicy: 'Never',
  port: 9000,
  servicePort: 80,
  headless: true,
  memory: '128Mi',
  cpu: '1',
  labels: [['app', 'shop']],
  environment: [['A', '1']],
  secrets: ['keys'],
  nodeSelectors: [['disk', 'ssd']],
});

describe('an update', () => {
  test('of nothing changes nothing', () => {
    expect(changedFunction(stored, {})).toEqual(stored);
  });

  test('replaces what is given and keeps what is not: port, timeout, policy, address, the other amount', () => {
    const { spec } = changedFunction(stored, { memory: '1Gi' });
    expect(spec).toMatchObject({
      timeout: '10',
      service: { clusterIP: 'None', ports: [{ port: 80, targetPort: 9000 }] },
      deployment: {
        spec: {
          template: {
            spec: {
              containers: [{ imagePullPolicy: 'Never', resources: { limits: { memory: '1Gi', cpu: '1' } } }],
            },
          },
        },
      },
    });
  });

  test('of the port keeps a port that the Service has of its own', () => {
    expect(changedFunction(stored, { port: 9001 }).spec?.service).toMatchObject({
      ports: [{ port: 80, targetPort: 9001 }],
    });
  });

  test('mounts a secret once', () => {
    const again = changedFunction(stored, { secrets: ['keys', 'more'] });
    expect(JSON.stringify(again).match(/"secretName":"keys"/g)).toHaveLength(1);
    expect(JSON.stringify(again).match(/"mountPath":"\/(keys|more)"/g)).toHaveLength(2);
  });

  test('keeps fields and containers that it does not know, and what has another form than ours', () => {
    const foreign = {
      ...stored,
      spec: {
        ...stored.spec,
        other: { a: 1 },
        service: 'none',
        deployment: { spec: { template: { spec: { containers: [{ name: 'a', tty: true }, { name: 'b' }] } } } },
      },
    };
    const { spec } = changedFunction(foreign, { image: 'i' });
    expect(spec).toMatchObject({
      other: { a: 1 },
      deployment: {
        spec: { template: { spec: { containers: [{ name: 'a', tty: true, image: 'i' }, { name: 'b' }] } } },
      },
    });
  });

  test('adds labels, which the Service then selects by', () => {
    const changed = changedFunction(stored, { labels: [['tier', 'web']] });
    expect(changed.metadata.labels).toMatchObject({ function: 'hello', app: 'shop', tier: 'web' });
    expect(changed.spec?.service).toMatchObject({ selector: changed.metadata.labels });
  });
});
