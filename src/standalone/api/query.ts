import { z } from 'zod';
import type { KubernetesObject } from '../../domain/resource.ts';
import { parseSelector } from '../../resources/parse-selector.ts';
import { matches } from '../../resources/selector.ts';
import { parseFieldSelector } from './field-selector.ts';
import { badRequest } from './status.ts';

/** Go's strconv.ParseBool, and the bare parameter (`?watch`) that Kubernetes takes for true. */
const flag = z
  .enum(['', '1', 'true', '0', 'false'], 'must be true or false')
  .transform((value) => value === '' || value === '1' || value === 'true')
  .default(false);
const count = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a number')
  .transform(Number)
  .optional();

const query = z.object({
  labelSelector: z.string().default(''),
  fieldSelector: z.string().default(''),
  limit: count,
  continue: z.string().default(''),
  resourceVersion: z
    .string()
    .regex(/^\d{0,15}$/, 'must be a number')
    .transform((text) => (text === '' || text === '0' ? undefined : Number(text)))
    .optional(),
  resourceVersionMatch: z.enum(['', 'Exact', 'NotOlderThan'], 'must be Exact or NotOlderThan').default(''),
  watch: flag,
  allowWatchBookmarks: flag,
  sendInitialEvents: flag,
  timeoutSeconds: count,
  includeObject: z.enum(['None', 'Metadata', 'Object'], 'must be None, Metadata or Object').default('Metadata'),
  fieldValidation: z.enum(['', 'Ignore', 'Warn', 'Strict'], 'must be Ignore, Warn or Strict').default(''),
  dryRun: z
    .union([z.literal('All'), z.array(z.literal('All'))], 'must be All')
    .optional()
    .transform((value) => value !== undefined),
});

/** The parameters that are understood; others (`fieldManager`, `pretty`, …) change nothing here and are let pass. */
export interface Query extends z.infer<typeof query> {
  /** Whether an object is meant by the selectors. */
  readonly selects: (object: KubernetesObject) => boolean;
}

/** @throws StatusError 400 */
export function readQuery(parameters: unknown): Query {
  const parsed = query.safeParse(parameters);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badRequest(`the query parameter ${issue?.path.join('.')} ${issue?.message}`);
  }
  const selector = readSelector(parsed.data.labelSelector);
  const field = parseFieldSelector(parsed.data.fieldSelector);
  return { ...parsed.data, selects: (object) => matches(selector, object.metadata.labels) && field(object) };
}

function readSelector(text: string) {
  try {
    return parseSelector(text);
  } catch (error) {
    throw error instanceof Error ? badRequest(error.message) : error;
  }
}
