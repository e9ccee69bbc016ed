import type { Gateway } from './gateway.ts';

/** Who is asked about topics, events and counts: one gateway has all of them, in a cluster each process has its share. */
export interface Gateways {
  /** Publishes, and knows the topics. */
  topics(): Promise<Gateway>;
  /** Who has events and counts, as of now. At least one. */
  observers(): Promise<readonly Gateway[]>;
  /** Whether observers come and go. */
  readonly isChanging: boolean;
  close(): Promise<void>;
}

export const oneGateway = (gateway: Gateway): Gateways => ({
  topics: async () => gateway,
  observers: async () => [gateway],
  isChanging: false,
  close: () => gateway.close(),
});
