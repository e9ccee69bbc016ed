import type { ClientTarget } from '../config/index.ts';
import { type ErrorCode, TrigateError } from '../domain/errors.ts';

type Hints = Readonly<Partial<Record<ErrorCode, string>>>;

/** What a person at a command line can do about it, by whom was spoken to. */
const hints: Readonly<Record<ClientTarget['type'], Hints>> = {
  gateway: {
    GATEWAY_UNREACHABLE:
      'Start a gateway with "trigate serve", or name one with --gateway or TRIGATE_GATEWAY, or a cluster with --context.',
    UNAUTHORIZED: 'Set TRIGATE_TOKEN or give --token-file.',
  },
  cluster: {
    GATEWAY_UNREACHABLE: 'Name another cluster with --context, or a gateway with --gateway.',
    UNAUTHORIZED: 'Look at the user of the context in the kubeconfig.',
  },
};

/** Ends an error with what to do next, where that is known. */
export async function withHints<T>(target: ClientTarget['type'], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const hint = thrown instanceof TrigateError ? hints[target][thrown.code] : undefined;
    if (!(thrown instanceof TrigateError) || hint === undefined || isBusy(thrown)) throw thrown;
    throw new TrigateError(thrown.code, `${thrown.message} ${hint}`, { cause: thrown });
  }
}

/** A server that says it cannot answer now has been reached. */
const isBusy = ({ code, message }: TrigateError): boolean =>
  code === 'GATEWAY_UNREACHABLE' && !message.includes('Cannot reach ');
