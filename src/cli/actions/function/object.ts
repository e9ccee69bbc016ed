import { type FunctionObject, functionType } from '../../../domain/function.ts';
import { apiVersionOf } from '../../../domain/resource.ts';
import type { Content } from './content.ts';

type Pairs = readonly (readonly [string, string])[];

/** What a command line says of a function; what it does not say is undefined. */
export interface GivenFunction {
  readonly handler?: string | undefined;
  readonly runtime?: string | undefined;
  readonly code?: Content | undefined;
  readonly dependencies?: string | undefined;
  /** Seconds, or a duration. */
  readonly timeout?: string | undefined;
  readonly labels?: Pairs | undefined;
  readonly environment?: Pairs | undefined;
  readonly secrets?: readonly string[] | undefined;
  readonly nodeSelectors?: Pairs | undefined;
  readonly serviceAccount?: string | undefined;
  /** In Kubernetes' own form. */
  readonly memory?: string | undefined;
  readonly cpu?: string | undefined;
  readonly image?: string | undefined;
  readonly imagePullPolicy?: string | undefined;
  readonly headless?: boolean | undefined;
  readonly port?: number | undefined;
  readonly servicePort?: number | undefined;
}

const DEFAULTS = { timeout: '180', imagePullPolicy: 'Always', port: 8080 } as const;

/** The object that Kubeless' `function deploy` writes for the same flags, to the letter. */
export function newFunction(name: string, namespace: string, given: GivenFunction): FunctionObject {
  return changedFunction(emptyFunction(name, namespace), {
    ...DEFAULTS,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  });
}

/**
 * Replaces what is given, and nothing else. (Kubeless' `function update` also puts port, timeout and pull policy back to
 * their defaults, and the one of memory and CPU that is not given to zero.)
 */
export function changedFunction(stored: FunctionObject, given: GivenFunction): FunctionObject {
  const labels = { ...stored.metadata.labels, ...Object.fromEntries(given.labels ?? []) };
  const spec = stored.spec ?? {};
  const { handler, runtime, dependencies: deps, timeout, code } = given;
  return {
    ...stored,
    metadata: { ...stored.metadata, labels },
    spec: {
      ...spec,
      ...defined({ handler, runtime, deps, timeout }),
      ...(code && { function: code.text, 'function-content-type': code.type, checksum: code.checksum }),
      deployment: changedDeployment(spec.deployment, given),
      service: changedService(spec.service, given, labels),
    },
  };
}

function changedDeployment(stored: unknown, given: GivenFunction): object {
  const deployment = record(stored);
  const spec = record(deployment.spec);
  const template = record(spec.template);
  return {
    ...deployment,
    spec: { ...spec, template: { ...template, spec: changedPod(record(template.spec), given) } },
  };
}

function changedPod(pod: Fields, given: GivenFunction): object {
  const [first, ...others] = list(pod.containers);
  const { secrets = [], nodeSelectors, serviceAccount: serviceAccountName } = given;
  const volumes = added(
    list(pod.volumes),
    secrets.map((secretName) => ({ name: volumeOf(secretName), secret: { secretName } })),
  );
  return {
    ...pod,
    containers: [changedContainer(record(first), given), ...others],
    ...(volumes.length > 0 && { volumes }),
    ...(nodeSelectors && { nodeSelector: Object.fromEntries(nodeSelectors) }),
    ...defined({ serviceAccountName }),
  };
}

function changedContainer(container: Fields, given: GivenFunction): object {
  const { secrets = [], environment, image, imagePullPolicy } = given;
  const volumeMounts = added(
    list(container.volumeMounts),
    secrets.map((secret) => ({ name: volumeOf(secret), mountPath: `/${secret}` })),
  );
  return {
    name: '',
    ...container,
    resources: changedResources(record(container.resources), given),
    ...(environment && { env: environment.map(([name, value]) => ({ name, ...(value !== '' && { value }) })) }),
    ...(volumeMounts.length > 0 && { volumeMounts }),
    ...defined({ image, imagePullPolicy }),
  };
}

/** Limits and requests are the same. */
function changedResources(resources: Fields, { memory, cpu }: GivenFunction): object {
  if (memory === undefined && cpu === undefined) return resources;
  const amounts = (stored: unknown) => ({ memory: '0', cpu: '0', ...record(stored), ...defined({ memory, cpu }) });
  return { ...resources, limits: amounts(resources.limits), requests: amounts(resources.requests) };
}

function changedService(stored: unknown, given: GivenFunction, labels: object): object {
  const service = record(stored);
  const [first, ...others] = list(service.ports);
  const port = { name: 'http-function-port', protocol: 'TCP', ...record(first), ...ports(record(first), given) };
  return {
    type: 'ClusterIP',
    ...service,
    ports: [port, ...others],
    selector: (given.labels === undefined && service.selector) || labels,
    ...(given.headless && { clusterIP: 'None' }),
  };
}

/** The Service's port is the container's, unless it has one of its own. */
function ports(stored: Fields, { port, servicePort }: GivenFunction): object {
  const own = stored.port === stored.targetPort ? undefined : stored.port;
  return {
    ...(port !== undefined && { port: own ?? port, targetPort: port }),
    ...defined({ port: servicePort }),
  };
}

/** As Go writes a Function of Kubeless that says nothing yet. */
function emptyFunction(name: string, namespace: string): FunctionObject {
  const metadata = { creationTimestamp: null };
  return {
    apiVersion: apiVersionOf(functionType),
    kind: functionType.kind,
    metadata: { name, namespace, labels: { 'created-by': 'kubeless', function: name } },
    spec: {
      handler: '',
      function: '',
      'function-content-type': '',
      checksum: '',
      runtime: '',
      timeout: '',
      deps: '',
      deployment: { metadata, spec: { selector: null, strategy: {}, template: { metadata } }, status: {} },
      horizontalPodAutoscaler: {
        metadata,
        spec: { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 },
        status: { currentReplicas: 0, desiredReplicas: 0, currentMetrics: null, conditions: null },
      },
    },
  };
}

const volumeOf = (secret: string): string => `${secret}-vol`;

type Fields = Readonly<Record<string, unknown>>;

const record = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A secret that is there already is not mounted again. */
const added = (stored: readonly unknown[], more: readonly { readonly name: string }[]): readonly unknown[] => [
  ...stored,
  ...more.filter(({ name }) => !stored.some((each) => record(each).name === name)),
];

const defined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
