import { BlockList, isIP } from 'node:net';

/**
 * Where a controller in a cluster never calls, whoever asks for it: itself and its node (loopback), the cloud's metadata
 * service (link-local), and addresses that are no single host. An EndpointSlice can be written by whoever may write in a
 * namespace (CVE-2021-25740).
 */
const forbidden = new BlockList();
forbidden.addSubnet('0.0.0.0', 8, 'ipv4');
forbidden.addSubnet('127.0.0.0', 8, 'ipv4');
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('224.0.0.0', 3, 'ipv4');
forbidden.addAddress('::', 'ipv6');
forbidden.addAddress('::1', 'ipv6');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addSubnet('ff00::', 8, 'ipv6');
/** The metadata service of one cloud. */
forbidden.addAddress('fd00:ec2::254', 'ipv6');

/** Of what is no address, too. An IPv4 address in the clothes of IPv6 is looked at as what it is. */
export function isForbiddenAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || forbidden.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * The same for the very addresses that connections are made to, whatever name or URL led there, and for two more: this
 * pod, and the API server. Behind a name that resolves to one of them somebody else's rights would be used.
 *
 * @param own addresses of this pod
 * @param isApiServer whether the API server was reached there
 */
export function addressRules(
  own: readonly string[],
  isApiServer: (address: string) => boolean,
): (address: string) => boolean {
  const self = new Set(own);
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    return isForbiddenAddress(address) || self.has(plain) || isApiServer(plain);
  };
}
