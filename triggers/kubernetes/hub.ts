import type { Clock, DiscoveredType, KubernetesObject, Logger, Resources } from '../../src/sdk.ts';
import { Budget } from './backlog.ts';
import type { WatchLimits } from './limits.ts';
import type { Member } from './member.ts';
import { SharedWatch } from './shared-watch.ts';
import { kubernetesTriggerType } from './spec.ts';
import type { Discover, WatchTarget } from './target.ts';
import type { WatchKey } from './watch-key.ts';

/** How long what an API server has is remembered: many triggers open at once. */
const DISCOVERY_MS = 5_000;

export interface HubOptions {
  /** Where triggers and checkpoints are. */
  readonly home: () => Resources;
  /** Where the objects are. */
  readonly watched: () => Resources;
  /** Tells the cluster of the objects from others; undefined: it is that of the triggers. */
  readonly cluster: () => Promise<string | undefined>;
  readonly leaseMs: number | undefined;
  readonly limits: WatchLimits;
  /** Bytes that all backlogs together may hold. */
  readonly backlogBytes: number;
  /** The same for the contents of objects. */
  readonly contentBytes: number;
  readonly random: () => number;
}

/** The shared watches of this process. */
export class WatchHub {
  readonly #options: HubOptions;
  readonly #budget: Budget;
  readonly #contents: Budget;
  readonly #watches = new Map<string, SharedWatch>();
  #cluster: Promise<string | undefined> | undefined;
  readonly #discovered = new Map<string, { readonly at: number; readonly types: Promise<readonly DiscoveredType[]> }>();

  constructor(options: HubOptions) {
    this.#options = options;
    this.#budget = new Budget(options.backlogBytes);
    this.#contents = new Budget(options.contentBytes);
  }

  /** Where the objects are; asked until there is an answer. */
  cluster(): Promise<string | undefined> {
    if (this.#cluster === undefined) {
      const asked = this.#options.cluster();
      this.#cluster = asked;
      asked.catch(() => {
        this.#cluster = undefined;
      });
    }
    return this.#cluster;
  }

  /** What the API server of the objects has; asked once for many. */
  discover(clock: Clock): Discover {
    return (apiVersion) => {
      const known = this.#discovered.get(apiVersion);
      if (known !== undefined && clock.monotonic() - known.at < DISCOVERY_MS) return known.types;
      const types = this.#options.watched().discover(apiVersion);
      this.#discovered.set(apiVersion, { at: clock.monotonic(), types });
      types.catch(() => this.#discovered.delete(apiVersion));
      return types;
    };
  }

  /** Joins the watch of that key, or begins it. */
  async join(key: WatchKey, target: WatchTarget, member: Member): Promise<SharedWatch> {
    const { clock, log, signal } = member.context;
    const id = `${key.namespace}/${key.name}`;
    // One that has just ended still settles and gives itself back.
    for (let ending = this.#watches.get(id); ending?.isOver; ending = this.#watches.get(id)) await ending.finished;
    signal.throwIfAborted();
    const watch = this.#watches.get(id) ?? this.#begin(id, key, target, clock, log);
    await watch.join(member);
    return watch;
  }

  #begin(id: string, key: WatchKey, target: WatchTarget, clock: Clock, log: Logger): SharedWatch {
    const watch = new SharedWatch({
      key,
      target,
      home: this.#options.home(),
      watched: this.#options.watched(),
      isComparable: () => this.#isComparable(),
      leaseMs: this.#options.leaseMs,
      triggers: (namespace) => this.#triggers(namespace),
      limits: this.#options.limits,
      budget: this.#budget,
      contents: this.#contents,
      clock,
      random: this.#options.random,
      log,
    });
    this.#watches.set(id, watch);
    void watch.finished.then(() => {
      if (this.#watches.get(id) === watch) this.#watches.delete(id);
    });
    return watch;
  }

  /** From Kubernetes 1.35 (KEP-5504), and in our own API, whose versions count its writes. */
  async #isComparable(): Promise<boolean> {
    const { major, minor, text } = await this.#options.watched().version();
    return text.endsWith('+trigate') || major > 1 || (major === 1 && minor >= 35);
  }

  async #triggers(namespace: string): Promise<ReadonlySet<string>> {
    const uids = new Set<string>();
    let next: string | undefined;
    do {
      const page = await this.#options
        .home()
        .list<KubernetesObject>(kubernetesTriggerType, { namespace, limit: 500, continue: next });
      for (const { metadata } of page.items) {
        if (metadata.deletionTimestamp === undefined) uids.add(metadata.uid ?? '');
      }
      next = page.continue;
    } while (next !== undefined);
    return uids;
  }
}
