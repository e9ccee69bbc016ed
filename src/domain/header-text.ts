/** Bytes of a header on the wire. */
export const headerSize = (name: string, value: HeaderText): number => name.length + value.length + ': \r\n'.length;

declare const headerTextBrand: unique symbol;

/**
 * Text that may stand in a header as it is: printable ASCII. It is made where a value enters, once, so that a header that
 * is split in two, or holds what no header may, cannot be written.
 */
export type HeaderText = string & { readonly [headerTextBrand]: true };

/** Name and value of a header. */
export type HeaderField = readonly [name: string, value: HeaderText];

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * The value of an attribute, percent-encoded as the CloudEvents HTTP binding says (3.1.3.2): everything outside printable
 * ASCII, the double quote and the percent sign. A space stays: it is common in types and harmless.
 */
export function attributeText(value: string): HeaderText {
  return PLAIN.test(value) && !value.includes('"')
    ? knownText(value)
    : encoded(value, /[^\x20-\x21\x23-\x24\x26-\x7e]/gu);
}

/**
 * The value of a header that has its own syntax (a content type with a quoted parameter, baggage): quotes and percent signs
 * belong to it. Only what may stand in no header is percent-encoded.
 */
export function fieldText(value: string): HeaderText {
  return PRINTABLE.test(value) ? knownText(value) : encoded(value, /[^\x20-\x7e]/gu);
}

/** Of digits and words of ours: it is not looked at. */
export function knownText(value: string): HeaderText {
  return value as HeaderText;
}

/** A lone surrogate has no UTF-8 form. */
function encoded(value: string, what: RegExp): HeaderText {
  return knownText(value.toWellFormed().replace(what, encodeURIComponent));
}
