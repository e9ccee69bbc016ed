/**
 * Which function a port of this machine belongs to, for as long as the gateway runs. Somebody may still hold the
 * address of a process that died: were its port to become another function's, an event would reach the wrong one.
 */
export interface Ports {
  /** False when the port is another function's: the process must not be used. */
  claim(port: number, owner: string): boolean;
}

export function createPorts(): Ports {
  const owners = new Map<number, string>();
  return {
    claim(port, owner) {
      if (!owners.has(port)) owners.set(port, owner);
      return owners.get(port) === owner;
    },
  };
}
