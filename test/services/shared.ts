import { get } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { z } from 'zod';
import './setup.ts';

/** Brokers of the Kafka that all tests of a run share; the first call starts it. Use topics of your own. */
export const sharedKafka = (): Promise<string[]> => ask('kafka');

/** Address of the NATS server (with JetStream) that all tests of a run share; the first call starts it. */
export async function sharedNats(): Promise<string> {
  const [url] = await ask('nats');
  if (url === undefined) throw new Error('The shared NATS server has no address');
  return url;
}

/** Waits until there are a kube-apiserver and an etcd to start; with a cold cache they are built, once for all tests. */
export async function kubeApiCanStart(): Promise<void> {
  await ask('kube-binaries');
}

function ask(service: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    get(`${inject('services')}/${service}`, { agent: false }, (response) => {
      if (response.statusCode === 200) json(response).then(z.array(z.string()).parse).then(resolve, reject);
      else text(response).then((reason) => reject(new Error(reason)), reject);
    }).on('error', reject);
  });
}
