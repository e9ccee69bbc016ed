import type { ConnectionOptions } from 'node:tls';

export type Headers = Readonly<Record<string, string>>;

/** How a cluster's API server is reached, and as whom. */
export interface Access {
  readonly url: string;
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'rejectUnauthorized'>;
  /**
   * The headers of the next request. Asked for each time: tokens are short-lived, and renewed behind our back.
   * @throws TrigateError UNAUTHORIZED when there is no token to be had now
   */
  headers(): Promise<Headers>;
}
