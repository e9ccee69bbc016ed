import type { Cancel, Clock } from '../domain/clock.ts';
import { asError, TrigateError } from '../domain/errors.ts';
import type { Logger } from '../domain/kind.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { Trigger } from '../domain/trigger.ts';
import { ResourceError } from '../resources/resource-error.ts';
import type { Resources } from '../resources/resources.ts';
import { Budget } from './budget.ts';
import type { Notice } from './notices.ts';

/** The same notice within this time is one Event, which counts. */
const SERIES_MS = 600_000;
/** How often the count of an Event is written. */
const COUNT_MS = 10_000;
/** For each trigger: so many at once, then one in five minutes, as client-go has it. */
const BURST = 25;
const REFILL_MS = 300_000;
/** Waiting to be written, and remembered to be counted; what is more is let go. */
const MOST_WAITING = 256;
const MOST_KNOWN = 4_096;
/** Without the right to write any, it is asked for again so often. */
const FORBIDDEN_MS = 300_000;
/** Limits of `events.k8s.io/v1`: 1,024 bytes. A character has at most four. */
const LONGEST_NOTE = 1_024;
const MOST_BYTES = 4;

const kubernetesEventType: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
};

export interface NoticeWriterOptions {
  readonly resources: Pick<Resources, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who tells: the pod. */
  readonly instance: string;
}

interface Entry {
  readonly trigger: Trigger;
  readonly notice: Notice;
  /** Name of the Event; undefined until it is made. */
  name: string | undefined;
  count: number;
  /** Wall clock. */
  seenAt: number;
  /** Monotonic. */
  due: number;
}

/**
 * Writes notices as Kubernetes Events about triggers. Whoever tells something never waits and never hears of a failure:
 * Events are for people, and what cannot be written is dropped. One request at a time, and none before the API server
 * wants one again.
 */
export class NoticeWriter {
  readonly #options: NoticeWriterOptions;
  readonly #known = new Map<string, Entry>();
  readonly #waiting = new Set<Entry>();
  readonly #budget: Budget;
  #notBefore = 0;
  #made = 0;
  #timer: Cancel | undefined;
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: NoticeWriterOptions) {
    this.#options = options;
    this.#budget = new Budget(options.clock, { burst: BURST, refillMs: REFILL_MS });
  }

  tell(trigger: Trigger, notice: Notice): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const key = [trigger.metadata.uid, notice.type, notice.reason, notice.note].join('\n');
    const seenAt = clock.now();
    const known = this.#known.get(key);
    if (known !== undefined && seenAt - known.seenAt < SERIES_MS) {
      known.count++;
      known.seenAt = seenAt;
      this.#wait(known);
    } else if (this.#budget.take(trigger.metadata.uid ?? '')) {
      const entry = { trigger, notice, name: undefined, count: 1, seenAt, due: clock.monotonic() };
      this.#known.delete(key);
      this.#known.set(key, entry);
      this.#trim();
      this.#wait(entry);
    }
  }

  /** Writes nothing more; resolves when nothing is under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.();
    this.#timer = undefined;
    this.#waiting.clear();
    await this.#writing;
  }

  /** The oldest go. */
  #trim(): void {
    for (const key of this.#known.keys()) {
      if (this.#known.size <= MOST_KNOWN) return;
      this.#known.delete(key);
    }
  }

  #wait(entry: Entry): void {
    // Half of the room is for warnings alone.
    const most = entry.notice.type === 'Warning' ? MOST_WAITING : MOST_WAITING / 2;
    if (this.#waiting.size >= most) return;
    this.#waiting.add(entry);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isClosed || this.#writing !== undefined || this.#waiting.size === 0) return;
    const { clock } = this.#options;
    const first = Math.min(...[...this.#waiting].map(({ due }) => due));
    this.#timer?.();
    this.#timer = clock.after(Math.max(0, Math.max(first, this.#notBefore) - clock.monotonic()), () => {
      this.#timer = undefined;
      this.#writing = this.#writeDue().finally(() => {
        this.#writing = undefined;
        this.#schedule();
      });
    });
  }

  async #writeDue(): Promise<void> {
    const { clock } = this.#options;
    for (const entry of this.#waiting) {
      if (this.#isClosed || clock.monotonic() < this.#notBefore) return;
      if (entry.due > clock.monotonic()) continue;
      this.#waiting.delete(entry);
      entry.due = clock.monotonic() + COUNT_MS;
      await this.#write(entry).catch((thrown) => this.#failed(entry, asError(thrown)));
    }
  }

  async #write(entry: Entry): Promise<void> {
    const { resources, clock, instance } = this.#options;
    const { trigger, notice, name, count, seenAt } = entry;
    const { namespace = 'default' } = trigger.metadata;
    if (name === undefined) {
      const made = `${trigger.metadata.name.slice(0, 200)}.${clock.now().toString(16)}${(this.#made++ % 4_096).toString(16)}`;
      await resources.create(
        kubernetesEventType,
        kubernetesEvent(trigger, notice, { name: made, at: seenAt, instance }),
      );
      entry.name = made;
      if (entry.count > 1) this.#wait(entry);
    } else {
      const series = { count, lastObservedTime: microTime(seenAt) };
      await resources.patch(kubernetesEventType, namespace, name, { series });
    }
  }

  #failed({ notice }: Entry, error: Error): void {
    const { clock, log } = this.#options;
    log.debug({ reason: notice.reason, error: error.message }, 'a Kubernetes Event was not written');
    const isForbidden = error instanceof TrigateError && error.code === 'FORBIDDEN';
    if (isForbidden) log.warn({ error: error.message }, 'Kubernetes Events cannot be written');
    const asked = error instanceof ResourceError ? error.retryAfter : undefined;
    this.#notBefore = clock.monotonic() + (isForbidden ? FORBIDDEN_MS : (asked ?? 0));
  }
}

function kubernetesEvent(
  { apiVersion, kind, metadata }: Trigger,
  { type, reason, note }: Notice,
  { name, at, instance }: { name: string; at: number; instance: string },
): KubernetesObject {
  const { namespace = 'default', uid, resourceVersion } = metadata;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace, name },
    eventTime: microTime(at),
    reportingController: 'trigate.dev/controller',
    reportingInstance: instance,
    action: 'Deliver',
    type,
    reason,
    note: note.length * MOST_BYTES <= LONGEST_NOTE ? note : shortened(note),
    regarding: { apiVersion, kind, namespace, name: metadata.name, uid, resourceVersion },
  };
}

function shortened(note: string): string {
  const bytes = Buffer.from(note);
  // A character that was cut in two becomes one of three bytes.
  return bytes.length <= LONGEST_NOTE ? note : `${bytes.subarray(0, LONGEST_NOTE - 8).toString()}…`;
}

/** `metav1.MicroTime`. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
