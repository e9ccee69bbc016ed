import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { badRequest, StatusError } from './status.ts';

const operation = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path: z.string(), value: z.unknown() }),
  z.object({ op: z.literal('remove'), path: z.string() }),
  z.object({ op: z.enum(['move', 'copy']), from: z.string(), path: z.string() }),
]);
type Operation = z.infer<typeof operation>;

const MAX_OPERATIONS = 10_000;
const document = z.array(operation).max(MAX_OPERATIONS);

/**
 * Applies a JSON Patch (RFC 6902); nothing is changed in place.
 * @throws StatusError 400 when it is not one, 422 when it does not fit the document
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  const parsed = document.safeParse(patch);
  if (!parsed.success) {
    throw badRequest('a JSON patch must be an array of operations: add, remove, replace, move, copy, test (RFC 6902)');
  }
  return parsed.data.reduce(apply, target);
}

function apply(target: unknown, operation: Operation): unknown {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case 'add':
      return edit(target, path, operation.path, { insert: operation.value });
    case 'remove':
      return edit(target, path, operation.path, 'remove');
    case 'replace':
      read(target, path, operation.path);
      return path.length === 0 ? operation.value : edit(target, path, operation.path, { replace: operation.value });
    case 'move': {
      const from = parsePointer(operation.from);
      const value = read(target, from, operation.from);
      return edit(edit(target, from, operation.from, 'remove'), path, operation.path, { insert: value });
    }
    case 'copy':
      return edit(target, path, operation.path, {
        insert: read(target, parsePointer(operation.from), operation.from),
      });
    case 'test':
      if (isDeepStrictEqual(read(target, path, operation.path), operation.value)) return target;
      throw unfit(`the test at "${operation.path}" found another value`);
    default:
      return operation satisfies never;
  }
}

type Edit = 'remove' | { readonly insert: unknown } | { readonly replace: unknown };

function edit(target: unknown, path: readonly string[], pointer: string, change: Edit): unknown {
  const [step, ...rest] = path;
  if (step === undefined) {
    if (change === 'remove') throw unfit('the whole document cannot be removed');
    return 'insert' in change ? change.insert : change.replace;
  }
  if (rest.length > 0) {
    const inner = edit(child(target, step, pointer), rest, pointer, change);
    return place(target, step, pointer, { replace: inner });
  }
  if (change === 'remove') child(target, step, pointer);
  return place(target, step, pointer, change);
}

/** One step deep: a copy of an array or object with one member changed. */
function place(target: unknown, step: string, pointer: string, change: Edit): unknown {
  if (Array.isArray(target)) {
    const inserting = change !== 'remove' && 'insert' in change;
    const index = step === '-' && inserting ? target.length : arrayIndex(step, pointer);
    if (index > target.length) throw unfit(`"${pointer}" is outside of the array`);
    if (change === 'remove') return target.toSpliced(index, 1);
    return 'insert' in change ? target.toSpliced(index, 0, change.insert) : target.with(index, change.replace);
  }
  if (!isObject(target)) throw unfit(`"${pointer}" leads into a value that has no members`);
  const entries = Object.entries(target).filter(([key]) => key !== step || change !== 'remove');
  if (change !== 'remove') entries.push([step, 'insert' in change ? change.insert : change.replace]);
  // fromEntries defines own properties, so a member called __proto__ is only a member.
  return Object.fromEntries(entries);
}

function read(target: unknown, path: readonly string[], pointer: string): unknown {
  return path.reduce((value, step) => child(value, step, pointer), target);
}

function child(target: unknown, step: string, pointer: string): unknown {
  if (Array.isArray(target)) {
    const index = arrayIndex(step, pointer);
    if (index < target.length) return target[index];
  } else if (isObject(target) && Object.hasOwn(target, step)) {
    return target[step];
  }
  throw unfit(`"${pointer}" does not exist`);
}

function arrayIndex(step: string, pointer: string): number {
  if (!/^(0|[1-9]\d{0,8})$/.test(step)) throw unfit(`"${pointer}" has "${step}" where an array needs a number`);
  return Number(step);
}

function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw badRequest(`the JSON pointer "${pointer}" must start with a slash`);
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unfit = (why: string): StatusError => new StatusError(422, 'Invalid', `the JSON patch does not fit: ${why}`);
