import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject, ResourceType } from '../../../src/domain/resource.ts';
import type { World } from './worlds.ts';

/** Tells how it was called; throws, or never answers, when the data ask for it. */
export const CODE = `module.exports = {
  main({ data, extensions: { request } }) {
    console.log('called by ' + request.method);
    if (data.fail) throw new Error('no');
    if (data.wait) return new Promise(() => {});
    const { 'content-type': type, 'event-type': eventType, 'event-namespace': namespace, 'event-id': id, extra } = request.headers;
    return { data, type, eventType, namespace, idLength: id.length, extra };
  },
};
`;

export const words = (line: string): string[] => line.split(' ');
export const said = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');

/** A type of the core group. */
export const core = (kind: string, plural: string): ResourceType => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  singular: '',
  shortNames: [],
  namespaced: true,
});

export const createFunction = (world: World, name: string, spec: object) =>
  world.resources.create<KubernetesObject>(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { name, namespace: 'default' },
    spec,
  });

export const createNamespace = (world: World, name: string) =>
  world.resources.create<KubernetesObject>(
    { ...core('Namespace', 'namespaces'), namespaced: false },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  );
