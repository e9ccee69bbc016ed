const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const NANO = 10n ** 9n;

/**
 * A Kubernetes quantity in the form that Kubernetes gives it: `1.5G` is `1500M`, `1024Ki` is `1Mi`. One with an exponent
 * stays as it is. Less than a billionth is rounded up.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 * @returns undefined when it is none
 */
export function canonicalQuantity(text: string): string | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+$/.test(text)) return text;
  const [, sign, whole = '', fraction = '', suffix = ''] =
    /^([+-]?)(?=\d|\.\d)(\d*)\.?(\d*)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const isBinary = suffix.endsWith('i');
  const scale = isBinary ? 1024n ** BigInt(BINARY.indexOf(suffix)) : 1n;
  const power = isBinary ? 9 : 3 * DECIMAL.indexOf(suffix);
  const digits = BigInt(whole + fraction) * scale * 10n ** BigInt(power);
  const per = 10n ** BigInt(fraction.length);
  const nano = (digits + per - 1n) / per;
  const amount = isBinary && nano >= 1024n * NANO && nano % NANO === 0n ? binary(nano / NANO) : decimal(nano);
  return sign === '-' && nano !== 0n ? `-${amount}` : amount;
}

function decimal(nano: bigint): string {
  return nano === 0n ? '0' : reduced(nano, 1_000n, DECIMAL);
}

const binary = (value: bigint): string => reduced(value, 1024n, BINARY);

/** The largest suffix that leaves a whole number. */
function reduced(value: bigint, step: bigint, suffixes: readonly string[]): string {
  let [rest, i] = [value, 0];
  while (rest % step === 0n && i < suffixes.length - 1) {
    rest /= step;
    i++;
  }
  return `${rest}${suffixes[i]}`;
}
