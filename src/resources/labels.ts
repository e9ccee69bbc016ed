const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_SUBDOMAIN = 253;

/** What is wrong with a label key, as the end of a sentence; undefined when nothing is. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  if (prefix !== undefined && (prefix.length > MAX_SUBDOMAIN || !SUBDOMAIN.test(prefix))) {
    return `the label key "${key}" must have a DNS name before the slash`;
  }
  if (NAME.test(key.slice(slash + 1))) return undefined;
  return `the label key "${key}" must be 1 to 63 letters, digits, "-", "_" or ".", with a letter or digit at both ends`;
}

/** What is wrong with a label value, as the end of a sentence; undefined when nothing is. */
export function labelValueProblem(value: string): string | undefined {
  if (value === '' || NAME.test(value)) return undefined;
  return `the label value "${value}" must be empty, or at most 63 letters, digits, "-", "_" or ".", with a letter or digit at both ends`;
}
