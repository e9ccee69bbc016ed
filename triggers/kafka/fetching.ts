import { createRequire } from 'node:module';

// CommonJS inside of kafkajs, which has no types.
const require = createRequire(import.meta.url);

interface Runner {
  running: boolean;
  readonly fetchManager: { stop(): Promise<void> };
  fetch(nodeId: string): Promise<unknown[]>;
}

/**
 * When brokers come or go, kafkajs ends its fetchers, waits for the longest of their fetches, and starts new ones. A stop
 * that falls into that wait stops only the old ones: the new ones ask, are told at once that the consumer does not run, and
 * ask again, within one turn of the event loop and for ever. Nothing else of the process runs then, no timer and no signal
 * (as in tulios/kafkajs#1384, by another way).
 * Here a fetcher that asks a consumer that does not run is stopped.
 */
export function patchFetching(): void {
  const { prototype } = require('kafkajs/src/consumer/runner') as { prototype: Runner & { patched?: true } };
  if (prototype.patched === true) return;
  const { fetch } = prototype;
  prototype.fetch = async function (nodeId) {
    if (this.running) return fetch.call(this, nodeId);
    // Resolves behind this very fetch.
    void this.fetchManager.stop();
    return [];
  };
  prototype.patched = true;
}
