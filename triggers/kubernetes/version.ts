/*
 * Resource versions of one resource type grow. From Kubernetes 1.35 that is promised (KEP-5504): whole numbers of any
 * length, without leading zeros. Servers on etcd have always had them.
 */

export const isComparable = (version: string): boolean => /^[1-9]\d*$/.test(version);

/** Negative: `a` is older. They are not numbers to us: etcd counts to 2^63. */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The version before: nothing may have it, but a list or a watch can begin there. */
export const before = (version: string): string => String(BigInt(version) - 1n);

/** Whether `a` is at or before `b`. */
export const isThrough = (a: string, b: string): boolean => compareVersions(a, b) <= 0;

export const oldest = (versions: readonly string[]): string | undefined =>
  versions.reduce<string | undefined>(
    (least, each) => (least === undefined || isThrough(each, least) ? each : least),
    undefined,
  );
