import type { ConnectionOptions } from 'node:tls';

export type Headers = Readonly<Record<string, string>>;
export type Tls = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'rejectUnauthorized'>;

/** How a cluster's API server is reached, and as whom. */
export interface Access {
  readonly url: string;
  /** Where who does not say acts: of the context, or of the pod. */
  readonly namespace: string | undefined;
  /** URL of the proxy to go through: `proxy-url` of a kubeconfig. */
  readonly proxy: string | undefined;
  /** For the next connection. Asked for each time: certificates, too, are renewed behind our back. */
  tls(): Promise<Tls>;
  /**
   * The headers of the next request. Asked for each time: tokens are short-lived, and renewed behind our back.
   * @throws TrigateError UNAUTHORIZED when there is no token to be had now
   */
  headers(): Promise<Headers>;
}
