import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';

/*
 * What a setting may be, read from text: the environment and the command line know nothing else. The message of each
 * completes the sentence "PORT must be …".
 */

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** Go's `strconv.ParseBool`, by which Kubeless reads its switches. */
export const boolean = z
  .string()
  .refine((text) => TRUE.includes(text) || FALSE.includes(text), 'true or false (also 1, 0, t, f)')
  .transform((text) => TRUE.includes(text));

export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most,
      `a whole number from ${least} to ${most}`,
    )
    .transform(Number);

/** Milliseconds. */
export const milliseconds = (most: number, least = 0) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= least && ms <= most) return ms;
    const range = `${least > 0 ? `at least ${least / 1_000}s and ` : ''}at most ${most / 1_000}s`;
    context.addIssue({ code: 'custom', message: `a duration of ${range}, such as 500ms, 25s or 1m` });
    return z.NEVER;
  });

export const commaList = (allowed: string, item: RegExp) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .refine((parts) => parts.length > 0 && parts.every((part) => item.test(part)), allowed);

export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'an http:// or https:// URL' })
  // It is shown wherever a server is named; the token has settings of its own.
  .refine((text) => !hasLogin(text), 'an http:// or https:// URL without a login');

function hasLogin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username + url.password !== '';
}
