/*
 * JSON pointers (RFC 6901): `/spec/replicas`, `/metadata/labels/app.kubernetes.io~1name`.
 */

/** What is wrong with a pointer, as the end of a sentence; undefined when nothing is. */
export function pointerProblem(text: string): string | undefined {
  if (!text.startsWith('/')) return `must begin with a slash, such as /spec/replicas, found "${text}"`;
  if (/~(?![01])/.test(text)) return `must write "~" as ~0 and "/" in a name as ~1, found "${text}"`;
  return undefined;
}

/** What a pointer leads to; undefined where there is nothing. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    // `length` of a list and what an object inherits are no members.
    value =
      Object.hasOwn(value, name) && (!Array.isArray(value) || /^\d+$/.test(name))
        ? Reflect.get(value, name)
        : undefined;
  }
  return value;
}
