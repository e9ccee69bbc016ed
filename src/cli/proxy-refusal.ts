import { z } from 'zod';
import { TrigateError } from '../domain/errors.ts';
import { parseJson } from '../resources/json.ts';
import { statusBody } from '../resources/resource-error.ts';

/** What stands behind the proxy of an API server. */
export interface Proxied {
  /** For people: `Service shop/trigate-gateway`. */
  readonly name: string;
  readonly namespace: string;
  readonly plural: string;
  /** With the token. */
  readonly secret: string | undefined;
}

/** The gateway's own errors have a code of our catalogue. */
const ours = z.looseObject({ code: z.string() });

/**
 * Tells what the API server refuses from what the gateway behind it does. The API server answers with a Status, and with
 * plain text where it found nobody.
 * @returns undefined for an answer of the gateway's own
 */
export function proxyRefusal({ name, namespace, plural, secret }: Proxied) {
  return (status: number, text: string): TrigateError | undefined => {
    const body = parseJson(text);
    if (ours.safeParse(body).success) return status === 401 ? tokenNeeded(name, namespace, secret) : undefined;
    const said = statusBody.safeParse(body).data?.message ?? text.trim();
    const why = said === '' ? `status ${status}` : said.slice(0, SHOWN).replaceAll(/\s+/g, ' ');
    switch (status) {
      case 401:
        return new TrigateError('UNAUTHORIZED', `The API server does not know who asks for ${name}: ${why}.`);
      case 403: {
        const right = `get, create, update and delete on ${plural}/proxy in namespace ${namespace}`;
        return new TrigateError(
          'FORBIDDEN',
          `${name} may not be asked through the API server (${why}): ask for ${right}.`,
        );
      }
      case 404:
        return new TrigateError('NOT_FOUND', `${name} is not there any more: ${why}.`);
      default: {
        const look = `look at "kubectl get pods -n ${namespace} -l app.kubernetes.io/part-of=trigate" and at what its NetworkPolicy lets in`;
        return status < 500
          ? undefined
          : new TrigateError('GATEWAY_UNREACHABLE', `The API server reaches nobody behind ${name} (${why}): ${look}.`);
      }
    }
  };
}

const SHOWN = 300;

function tokenNeeded(name: string, namespace: string, secret: string | undefined): TrigateError {
  const where = secret === undefined ? 'of its release' : `in Secret ${namespace}/${secret}`;
  const text = `${name} asks for the token ${where}, which could not be read or is another one: give a file that holds it with --token-file.`;
  return new TrigateError('FORBIDDEN', text);
}
