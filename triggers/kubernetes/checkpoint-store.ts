import { asError, type Clock, createBackoff, delay, pauseAfter, type Resources, TrigateError } from '../../src/sdk.ts';
import {
  readRecord,
  type WatchCheckpoint,
  type WatchCheckpointSpec,
  type WatchRecord,
  watchCheckpointType,
  writeRecord,
} from './checkpoint.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

export interface CheckpointStoreOptions {
  readonly resources: Resources;
  readonly namespace: string;
  readonly name: string;
  readonly spec: WatchCheckpointSpec;
  /** Names this holder in what it writes. */
  readonly nonce: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Aborts when nothing more may be asked, and no answer is waited for. */
  readonly signal: AbortSignal;
  /** Told when the API server cannot be asked, and without an error when it can again. */
  readonly onReach: (error: Error | undefined) => void;
}

/** What is stored, and the right to replace it unless somebody else has. */
export interface Found {
  readonly object: WatchCheckpoint;
  readonly record: WatchRecord | undefined;
}

/** Somebody else has written: what we meant to claim is not ours. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/**
 * The checkpoint object of one shared watch, changed by compare-and-swap, one write at a time.
 *
 *   conflict   read again. Still ours, and not further than we left it: somebody touched a label; write again.
 *              Anything else: superseded, for good.
 *   in doubt   no answer: read until there is one. Ours and as far as this write: it was stored. As far as the one
 *              before: write the very same again, for the first may still be on its way.
 *   gone       a person deleted it: made anew from what we know.
 */
export class CheckpointStore {
  readonly #options: CheckpointStoreOptions;
  /** As it is stored, if nobody has written since. */
  #object: WatchCheckpoint | undefined;
  /** Whose write the next one comes after. */
  #last: Mark | undefined;

  constructor(options: CheckpointStoreOptions) {
    this.#options = options;
  }

  /**
   * What is stored now; the object is made when there is none.
   * @throws TrigateError as Resources does
   */
  async find(): Promise<Found> {
    const object = (await this.#get()) ?? (await this.#create());
    return { object, record: readRecord(object) };
  }

  /** The same, but makes nothing. */
  async look(): Promise<Found | undefined> {
    const object = await this.#get();
    return object && { object, record: readRecord(object) };
  }

  /**
   * Watches what was found until its holder gives it back. False when the server ends that before, or does not allow it.
   */
  async isGivenBack({ object: { metadata } }: Found, signal: AbortSignal): Promise<boolean> {
    const { resources, namespace, name } = this.#options;
    const { resourceVersion } = metadata;
    const options = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion, signal };
    try {
      for await (const event of await resources.watch<WatchCheckpoint>(watchCheckpointType, options)) {
        if (event.type === 'MODIFIED' && readRecord(event.object)?.holder === '') return true;
      }
    } catch {
      // Whoever asks looks now and then anyway.
    }
    return false;
  }

  /**
   * Replaces what `find` has found.
   * @throws Superseded when somebody was faster
   */
  async takeOver({ object, record: before }: Found, record: WatchRecord): Promise<void> {
    this.#object = object;
    this.#last = before;
    await this.write(record);
  }

  /**
   * Stores what comes after the last write. Tries until it is known, however long the API server is away.
   * @throws Superseded; TrigateError TOO_LARGE, or another where trying again would not help, or CLAIM_IN_DOUBT when the signal aborts before
   */
  async write(record: WatchRecord): Promise<void> {
    const { clock, random, signal, onReach } = this.#options;
    const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
    const status = writeRecord(record);
    for (let isAway = false; ; ) {
      try {
        await this.#write(record, status);
        if (isAway) onReach(undefined);
        return;
      } catch (thrown) {
        this.#object = undefined;
        if (signal.aborted && !(thrown instanceof Superseded)) {
          const cause = asError(thrown);
          throw new TrigateError('CLAIM_IN_DOUBT', `Nobody can say what is stored: ${cause.message}`, { cause });
        }
        if (isTooLarge(thrown)) throw tooLarge(thrown);
        if (!isPassing(thrown)) throw thrown;
        if (thrown.code === 'CONFLICT') continue;
        isAway = true;
        onReach(thrown);
        await delay(clock, pauseAfter(thrown, backoff), signal);
      }
    }
  }

  /** Removes the object. Whether that worked is no longer of interest. */
  async remove(): Promise<void> {
    const { resources, namespace, name, signal } = this.#options;
    await resources.delete(watchCheckpointType, namespace, name, { signal }).catch(asError);
  }

  async #write(record: WatchRecord, status: object): Promise<void> {
    if (this.#object === undefined) {
      const { object, record: found } = await this.find();
      const isStored = isSame(found, record);
      if (!isStored && found !== undefined && !isSame(found, this.#last)) {
        throw new Superseded('Another process holds the watch now.');
      }
      this.#object = object;
      if (isStored) return this.#stored(record);
    }
    const { resources, signal } = this.#options;
    this.#object = await resources.replaceStatus(watchCheckpointType, { ...this.#object, status }, { signal });
    this.#stored(record);
  }

  #stored({ holder, writes }: Mark): void {
    this.#last = { holder, writes };
  }

  async #get(): Promise<WatchCheckpoint | undefined> {
    const { resources, namespace, name, signal } = this.#options;
    try {
      return await resources.get<WatchCheckpoint>(watchCheckpointType, namespace, name, { signal });
    } catch (thrown) {
      if (thrown instanceof TrigateError && thrown.code === 'NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  async #create(): Promise<WatchCheckpoint> {
    const { resources, namespace, name, spec, signal } = this.#options;
    const object: WatchCheckpoint = {
      apiVersion: 'kubeless.io/v1beta1',
      kind: watchCheckpointType.kind,
      metadata: { namespace, name },
      spec,
    };
    try {
      return await resources.create(watchCheckpointType, object, { signal });
    } catch (thrown) {
      const isThere = thrown instanceof TrigateError && thrown.code === 'ALREADY_EXISTS';
      const found = isThere ? await this.#get() : undefined;
      if (found === undefined) throw thrown;
      return found;
    }
  }
}

type Mark = Pick<WatchRecord, 'holder' | 'writes'>;

const isSame = (a: Mark | undefined, b: Mark | undefined): boolean =>
  a?.holder === b?.holder && a?.writes === b?.writes;

/** What is too large for the API server is tried once more with less. */
export async function orSmaller(write: Promise<void>, writeLess: () => Promise<void>): Promise<void> {
  try {
    await write;
  } catch (thrown) {
    if (!(thrown instanceof TrigateError) || thrown.code !== 'TOO_LARGE') throw thrown;
    await writeLess();
  }
}

/** As etcd says it, and gRPC on the way there: the API server calls either an internal error. */
const isTooLarge = (thrown: unknown): thrown is TrigateError =>
  thrown instanceof TrigateError &&
  (thrown.code === 'TOO_LARGE' ||
    (thrown.code === 'INTERNAL' && /request is too large|larger than max/.test(thrown.message)));

const tooLarge = (cause: TrigateError): TrigateError =>
  new TrigateError(
    'TOO_LARGE',
    'The checkpoint of the watch is larger than the API server stores: let fewer functions share it, by other selectors of their triggers.',
    { cause },
  );

/** What trying again may heal: an API server that is away, or rights that somebody has to give. */
function isPassing(thrown: unknown): thrown is TrigateError {
  if (!(thrown instanceof TrigateError)) return false;
  switch (thrown.code) {
    case 'CONFLICT':
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'GATEWAY_UNREACHABLE':
    case 'INTERNAL':
    case 'UNAUTHORIZED':
    case 'FORBIDDEN':
      return true;
    default:
      return false;
  }
}
