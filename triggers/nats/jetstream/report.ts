import { parseJson, z } from '../../../src/sdk.ts';
import type { Msg } from '../client.ts';
import { isNoResponders, type JetStreamApi } from './api.ts';
import { type Taken, takenSchema } from './taken.ts';

/** Asks a member which deliveries it has, of those between two numbers. */
export interface Question {
  /** The consumer, as it was made. */
  readonly consumer: string;
  readonly from: number;
  readonly through: number;
}

/** Of `null`: the member reads another consumer of that name. */
export type Answer = Taken | null;

/** A member answers between two pulls, and an idle one is over after a second; one whose server is silent takes longer. */
const ANSWER_WITHIN_MS = 10_000;

const question = z.object({ consumer: z.string(), from: z.number(), through: z.number() });
const answer = takenSchema.nullable();

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** `gone` when nobody listens there any more; undefined when it does not say it in time, or is of a version that cannot. */
export async function askMember(
  { connection }: JetStreamApi,
  owner: string,
  asked: Question,
): Promise<Answer | 'gone' | undefined> {
  try {
    const { data } = await connection.request(owner, encode(asked), { timeout: ANSWER_WITHIN_MS });
    return answer.safeParse(parseJson(new TextDecoder().decode(data))).data;
  } catch (error) {
    return isNoResponders(error) ? 'gone' : undefined;
  }
}

/** Undefined for a message that only asks whether somebody is there. */
export const questionOf = ({ data }: Msg): Question | undefined =>
  question.safeParse(parseJson(new TextDecoder().decode(data))).data;

export const respond = (message: Msg, given: Answer): boolean => message.respond(encode(given));
