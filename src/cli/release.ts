import { z } from 'zod';
import type { Secret } from '../config/index.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { resourcePath } from '../resources/path.ts';
import { secretType } from '../standalone/api/core-types.ts';
import { podType, serviceType } from '../standalone/workloads/types.ts';
import type { Cluster } from './cluster.ts';
import { Gateway } from './gateway.ts';
import type { Gateways } from './gateways.ts';
import { listAll } from './listing.ts';
import { proxyRefusal } from './proxy-refusal.ts';
import { isRunning, portOf, secretOf } from './release-pod.ts';

/** Where the chart is installed, and how its processes are asked. */
export interface ReleaseOptions {
  readonly namespace: string;
  /** Undefined: the only one of the namespace. */
  readonly name: string | undefined;
  /** Undefined: that of the release's own Secret, when it can be read. */
  readonly token: Secret | undefined;
  /** Told who is asked. */
  readonly say: (text: string) => void;
}

type Reader = Pick<Cluster, 'url' | 'resources' | 'dispatcher' | 'headers'>;

/** Longer than the API server waits for a pod: its answer says more than our silence. */
const ANSWER_WITHIN = 45_000;
const PART = 'app.kubernetes.io/part-of=trigate';
const COMPONENT = 'app.kubernetes.io/component';
const INSTANCE = 'app.kubernetes.io/instance';

/**
 * What the chart has installed, through the proxy of the API server and with the login of the kubeconfig: nothing else of
 * the cluster has to be reached. Topics are those of the Service of its gateway, whichever pod answers; events and counts
 * are held by the pods of its controllers, each its own share, so each is asked. Nothing is asked before it is needed.
 *
 * The API server takes Authorization for itself and passes on none, so our token travels in a header of its own, and to
 * nobody but the pods of the release that it belongs to.
 */
export function releaseGateways(cluster: Reader, options: ReleaseOptions): Gateways {
  const parts = new Release(cluster, options);
  return {
    topics: () => parts.topics(),
    observers: () => parts.observers(),
    isChanging: true,
    // The connections are the cluster's.
    close: async () => {},
  };
}

class Release {
  readonly #cluster: Reader;
  readonly #options: ReleaseOptions;
  readonly #said = new Set<string>();
  #token: Promise<string | undefined> | undefined;

  constructor(cluster: Reader, options: ReleaseOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  async topics(): Promise<Gateway> {
    const { namespace } = this.#options;
    const [service] = await this.#parts(serviceType, `${COMPONENT}=gateway`);
    if (service === undefined) throw new TrigateError('NOT_FOUND', `Namespace ${namespace} has ${NO_GATEWAY}`);
    const { name } = service.metadata;
    const pods = await this.#pods().catch(noneWhenForbidden);
    return this.#gateway(serviceType, `Service ${namespace}/${name}`, `${name}:http`, pods);
  }

  async observers(): Promise<readonly Gateway[]> {
    const { namespace } = this.#options;
    const pods = await this.#pods();
    const controllers = pods.filter((pod) => isRunning(pod) && componentOf(pod) !== 'gateway');
    if (controllers.length === 0) throw new TrigateError('NOT_FOUND', `Namespace ${namespace} has ${NO_CONTROLLER}`);
    return controllers.map((pod) => {
      const { name } = pod.metadata;
      return this.#gateway(podType, `Pod ${namespace}/${name}`, `${name}:${portOf(pod)}`, pods);
    });
  }

  #pods(): Promise<readonly KubernetesObject[]> {
    return this.#parts(podType);
  }

  /** Of one release, sorted by name. */
  async #parts(type: ResourceType, ...labels: string[]): Promise<readonly KubernetesObject[]> {
    const { namespace, name } = this.#options;
    const instance = name === undefined ? [] : [`${INSTANCE}=${name}`];
    const labelSelector = [PART, ...instance, ...labels].join(',');
    const { items } = await listAll(this.#cluster, type, { namespace, labelSelector }).catch(whenForbidden);
    const instances = [...new Set(items.map(instanceOf))];
    if (instances.length < 2) return items;
    const text = `Namespace ${namespace} has the releases ${instances.join(', ')}: say which with --release.`;
    throw new TrigateError('INVALID_ARGUMENT', text);
  }

  #gateway(type: ResourceType, name: string, port: string, pods: readonly KubernetesObject[]): Gateway {
    const { url, dispatcher, headers } = this.#cluster;
    const { namespace, say } = this.#options;
    if (!this.#said.has(name)) say(`Asks ${name} through the API server.`);
    this.#said.add(name);
    const secret = secretOf(pods);
    return new Gateway({
      url: `${url}${resourcePath(type, namespace, port)}/proxy`,
      name,
      server: url,
      dispatcher,
      answerWithin: ANSWER_WITHIN,
      headers: async () => {
        this.#token ??= this.#readToken(secret);
        const token = await this.#token;
        return { ...(await headers()), ...(token !== undefined && { 'x-trigate-token': token }) };
      },
      refusal: proxyRefusal({ name, namespace, plural: type.plural, secret }),
    });
  }

  async #readToken(secret: string | undefined): Promise<string | undefined> {
    if (this.#options.token !== undefined || secret === undefined) return this.#options.token?.reveal();
    const { namespace } = this.#options;
    const stored = await this.#cluster.resources.get(secretType, namespace, secret).catch(undefinedWhenForbidden);
    const text = apiSecret.safeParse(stored).data?.data.token;
    return text === undefined ? undefined : Buffer.from(text, 'base64').toString().trim();
  }
}

const NO_GATEWAY =
  `no gateway of Trigate (a Service with ${PART},${COMPONENT}=gateway): install the chart with gateway.enabled=true, or ` +
  'say where it is with --release NAMESPACE/NAME, or with --gateway URL.';

const NO_CONTROLLER =
  `no controller of Trigate that runs (a Pod with ${PART}): install the chart, or say where it is with ` +
  '--release NAMESPACE/NAME, or name a gateway with --gateway URL.';

const apiSecret = z.looseObject({ data: z.looseObject({ token: z.string() }) });

const labelOf = ({ metadata }: KubernetesObject, name: string): string => metadata.labels?.[name] ?? '';
const instanceOf = (object: KubernetesObject): string => labelOf(object, INSTANCE);
const componentOf = (object: KubernetesObject): string => labelOf(object, COMPONENT);

function whenForbidden(error: unknown): never {
  if (!(error instanceof TrigateError && error.code === 'FORBIDDEN')) throw error;
  const advice = 'ask for the right to list it, or name a gateway with --gateway URL.';
  throw new TrigateError(
    'FORBIDDEN',
    `Who has topics and events in this cluster cannot be found (${error.message}): ${advice}`,
    {
      cause: error,
    },
  );
}

function undefinedWhenForbidden(error: unknown): undefined {
  if (error instanceof TrigateError && (error.code === 'FORBIDDEN' || error.code === 'NOT_FOUND')) return undefined;
  throw error;
}

const noneWhenForbidden = (error: unknown): readonly KubernetesObject[] => undefinedWhenForbidden(error) ?? [];
