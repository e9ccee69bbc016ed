/**
 * Bodies of numbered events: `{"n":0}`, `{"n":1}`, … Their numbers tell a checker what was expected.
 * @param size length of each body in bytes, filled up with a second field; default: as short as it is
 */
export function numberedBodies(count: number, from = 0, size = 0): string[] {
  return Array.from({ length: count }, (_, i) => numberedBody(from + i, size));
}

function numberedBody(n: number, size: number): string {
  const short = `{"n":${n}}`;
  const frame = `{"n":${n},"fill":""}`.length;
  return size <= frame ? short : `{"n":${n},"fill":"${'x'.repeat(size - frame)}"}`;
}
