import { notAcceptable } from './status.ts';

/** What a client wants to be answered with. */
export type Wanted =
  | { readonly type: 'object' }
  | { readonly type: 'table'; readonly apiVersion: 'meta.k8s.io/v1' | 'meta.k8s.io/v1beta1' };

/**
 * The first form in an `Accept` header that is served here; weights do not count, as in Kubernetes' own clients.
 * @throws StatusError 406
 */
export function readAccept(header: string | undefined): Wanted {
  if (header === undefined || header.trim() === '') return { type: 'object' };
  for (const clause of header.split(',')) {
    const wanted = readClause(clause);
    if (wanted !== undefined) return wanted;
  }
  throw notAcceptable('only application/json is served, also as=Table;g=meta.k8s.io');
}

function readClause(clause: string): Wanted | undefined {
  const [mediaType = '', ...parameters] = clause.split(';').map((part) => part.trim().toLowerCase());
  if (!['application/json', 'application/*', '*/*'].includes(mediaType)) return undefined;
  const parameter = (name: string) => parameters.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const as = parameter('as');
  if (as === undefined) return { type: 'object' };
  if (as !== 'table' || parameter('g') !== 'meta.k8s.io') return undefined;
  const version = parameter('v');
  if (version === 'v1' || version === 'v1beta1') return { type: 'table', apiVersion: `meta.k8s.io/${version}` };
  return undefined;
}
