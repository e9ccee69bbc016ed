import { randomUUID } from 'node:crypto';
import { nkeys } from 'nats';

/*
 * Operator mode of NATS without its tools: JSON web tokens, signed with ed25519 keys (nkeys). An operator signs accounts,
 * an account signs users; a user proves who it is with its own key.
 * https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
 */

type Key = ReturnType<typeof nkeys.createUser>;

const text = new TextEncoder();
const encoded = (value: object | Uint8Array): string =>
  Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value)).toString('base64url');

function token(issuer: Key, subject: string, name: string, nats: object): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject,
    name,
  };
  const body = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded({ ...claims, nats: { version: 2, ...nats } })}`;
  return `${body}.${encoded(issuer.sign(text.encode(body)))}`;
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };

export interface Operator {
  /** The configuration of a server that trusts it. Users that are revoked are refused. */
  config(revoked?: readonly User[]): string;
  user(name: string): User;
}

export interface User {
  readonly publicKey: string;
  /** The text of a `.creds` file. */
  readonly creds: string;
}

/** An operator with one account. */
export function createOperator(): Operator {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  return {
    config(revoked = []) {
      const revocations = Object.fromEntries(
        revoked.map(({ publicKey }) => [publicKey, Math.floor(Date.now() / 1_000)]),
      );
      const limits = { limits: ACCOUNT_LIMITS, revocations, type: 'account' };
      const accountToken = token(operator, account.getPublicKey(), 'account', limits);
      const operatorToken = token(operator, operator.getPublicKey(), 'operator', { type: 'operator' });
      return `operator: ${operatorToken}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountToken} }\n`;
    },
    user(name) {
      const user = nkeys.createUser();
      const own = token(account, user.getPublicKey(), name, { ...UNLIMITED, pub: {}, sub: {}, type: 'user' });
      return { publicKey: user.getPublicKey(), creds: credsOf(own, Buffer.from(user.getSeed()).toString()) };
    },
  };
}

const credsOf = (jwt: string, seed: string): string => `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;

/** A user that is known by its key alone. */
export function createNkey(): { readonly publicKey: string; readonly seed: string } {
  const user = nkeys.createUser();
  return { publicKey: user.getPublicKey(), seed: Buffer.from(user.getSeed()).toString() };
}
