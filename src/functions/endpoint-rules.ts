/**
 * Which URLs the `spec.endpoint` of a Function may name.
 *
 * @param hosts what the operator listed: `functions.example.com`, `*.example.com` for all names below it, each with a
 *   port (`host:8443`) or for every port
 */
export function endpointRules(hosts: readonly string[]): (url: string) => boolean {
  const rules = hosts.map((host) => {
    const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(host.toLowerCase()) ?? [];
    return { name, port };
  });
  return (text) => {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) return false;
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    const host = url.hostname.replace(/\.$/, '');
    return rules.some((rule) => isNamed(rule.name, host) && (rule.port === undefined || rule.port === port));
  };
}

const isNamed = (name: string, host: string): boolean =>
  name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length >= name.length : host === name;
