/** A knock that is not lost when nobody waits yet: the next wait then ends at once. For one waiter. */
export interface Wake {
  knock(): void;
  wait(): Promise<void>;
}

export function createWake(): Wake {
  let knocked = false;
  let waiter: (() => void) | undefined;
  return {
    knock() {
      knocked = waiter === undefined;
      waiter?.();
      waiter = undefined;
    },
    wait() {
      if (knocked) {
        knocked = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        waiter = resolve;
      });
    },
  };
}
