/**
 * Whether a NATS subject with wildcards takes a subject: `*` stands for one token, `>` at the end for one or more.
 * @see https://docs.nats.io/nats-concepts/subjects#wildcards
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  const rest = wanted.at(-1) === '>';
  const head = rest ? wanted.slice(0, -1) : wanted;
  if (rest ? tokens.length <= head.length : tokens.length !== head.length) return false;
  return head.every((token, i) => token === '*' || token === tokens[i]);
}
