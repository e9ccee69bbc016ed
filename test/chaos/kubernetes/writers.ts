import { TrigateError } from '../../../src/domain/errors.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { configMapType } from '../../../src/standalone/api/core-types.ts';
import type { RandomInt } from '../../support/random.ts';

/** A change that the API server has confirmed. Of a deletion the version is not told. */
export interface Written {
  readonly uid: string;
  readonly verb: 'added' | 'modified' | 'deleted';
  readonly version: string | undefined;
  /** Its version or, where that is not told, the last one that was. */
  readonly about: number;
}

export const LABEL = { chaos: 'yes' };

/** Writers that create, change and delete objects at random until they have made so many changes. */
export class Writers {
  readonly written: Written[] = [];
  readonly #resources: Resources;
  readonly #random: RandomInt;
  readonly #objects: number;
  /** Name and uid of what exists; undefined while somebody writes it, or nobody knows. */
  readonly #uids = new Map<string, string>();
  readonly #busy = new Set<string>();

  constructor(resources: Resources, random: RandomInt, objects: number) {
    this.#resources = resources;
    this.#random = random;
    this.#objects = objects;
  }

  /** Resolves when there are so many confirmed changes in all. A write that fails is made again by somebody, some time. */
  async write(until: number, writers: number): Promise<void> {
    const one = async () => {
      while (this.written.length < until) await this.#change();
    };
    await Promise.all(Array.from({ length: writers }, one));
  }

  async #change(): Promise<void> {
    const name = `object-${this.#random(1, this.#objects)}`;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    try {
      await this.#changeOne(name);
    } catch (thrown) {
      // Whether it was written nobody knows: the next one looks.
      if (!(thrown instanceof TrigateError)) throw thrown;
      this.#uids.delete(name);
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      this.#busy.delete(name);
    }
  }

  async #changeOne(name: string): Promise<void> {
    const uid = this.#uids.get(name);
    const value = `${this.#random(0, 1_000_000)}`;
    if (uid === undefined) return this.#create(name, value);
    if (this.#random(1, 8) > 1) {
      const { metadata } = await this.#resources.patch(configMapType, 'default', name, { data: { value } });
      this.#tell(metadata.uid ?? '', 'modified', metadata.resourceVersion);
      return;
    }
    await this.#resources.delete(configMapType, 'default', name);
    this.#uids.delete(name);
    this.#tell(uid, 'deleted', undefined);
  }

  async #create(name: string, value: string): Promise<void> {
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', labels: LABEL },
      data: { value },
    };
    try {
      const { metadata } = await this.#resources.create<KubernetesObject>(configMapType, object);
      this.#uids.set(name, metadata.uid ?? '');
      this.#tell(metadata.uid ?? '', 'added', metadata.resourceVersion);
    } catch (thrown) {
      if (!(thrown instanceof TrigateError) || thrown.code !== 'ALREADY_EXISTS') throw thrown;
      const { metadata } = await this.#resources.get(configMapType, 'default', name);
      this.#uids.set(name, metadata.uid ?? '');
    }
  }

  #tell(uid: string, verb: Written['verb'], version: string | undefined): void {
    const about = version === undefined ? (this.written.at(-1)?.about ?? 0) : Number(version);
    this.written.push({ uid, verb, version, about });
  }
}
