import { TrigateError } from '../domain/errors.ts';
import { nearest } from '../domain/nearest.ts';
import { resourceName } from '../resources/path.ts';
import { printable } from '../telemetry/printable.ts';
import { fillTemplate } from './jsonpath/evaluate.ts';
import { type Part, requireTemplate } from './jsonpath/template.ts';

/** A form that an object, or a list of them, is printed in. */
export type Form =
  | { readonly type: 'yaml' | 'json' | 'name' }
  | { readonly type: 'jsonpath'; readonly template: readonly Part[] };

/** What `-o` asks for. */
export type Output = Form | { readonly type: 'table' | 'wide' };

export const isForm = (output: Output): output is Form => output.type !== 'table' && output.type !== 'wide';

const FORMS = ['yaml', 'json', 'name', 'jsonpath'] as const satisfies readonly Form['type'][];
const OUTPUTS = ['wide', ...FORMS] as const satisfies readonly Output['type'][];

/**
 * @param text what stands behind `-o`; undefined: a table
 * @param allowed the words that may stand there
 * @throws TrigateError INVALID_ARGUMENT
 */
export function readOutput(text: string | undefined, allowed: readonly Output['type'][] = OUTPUTS): Output {
  if (text === undefined) return { type: 'table' };
  const [, name = text, template = ''] = /^(jsonpath)=(.*)$/s.exec(text) ?? [];
  const type = allowed.find((each) => each === name);
  if (type === undefined) throw new TrigateError('INVALID_ARGUMENT', wrongOutput(allowed, text));
  return type === 'jsonpath' ? { type, template: requireTemplate(template) } : { type };
}

/** The form for an object that is printed instead of stored. @throws TrigateError INVALID_ARGUMENT */
export function checkFormat(text: string): Form {
  const output = readOutput(text, FORMS);
  return isForm(output) ? output : { type: 'yaml' };
}

function wrongOutput(allowed: readonly string[], found: string): string {
  const shown = allowed.map((name) => (name === 'jsonpath' ? 'jsonpath=TEMPLATE' : name));
  const last = shown.pop() ?? '';
  const meant = nearest(found, allowed);
  return (
    `Output format needs to be ${shown.length === 0 ? last : `${shown.join(', ')} or ${last}`}, ` +
    `found ${JSON.stringify(found)}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`
  );
}

/** JSON without the characters that steer a terminal and that JSON itself would let stand. It says the same. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );

/** An object as a manifest, or as a part of it. */
export async function formatObject(object: unknown, form: Form): Promise<string> {
  switch (form.type) {
    case 'json':
      return `${jsonText(object, 4)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      // What two fields share is written twice: not every reader of manifests knows aliases. Lines stay as they are: code is read here.
      return stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 });
    }
    case 'name':
      return itemsOf(object)
        .map((item) => `${printable(objectName(item))}\n`)
        .join('');
    case 'jsonpath':
      return fillTemplate(form.template, object);
    default:
      return form satisfies never;
  }
}

const itemsOf = (object: unknown): readonly unknown[] =>
  isRecord(object) && Array.isArray(object.items) ? object.items : [object];

/** `kafkatrigger.kubeless.io/orders` */
function objectName(object: unknown): string {
  if (!isRecord(object)) return '';
  const { apiVersion, kind, metadata } = object;
  const group = String(apiVersion).includes('/') ? String(apiVersion).split('/', 1).join() : '';
  const name = isRecord(metadata) ? String(metadata.name) : '';
  return `${resourceName({ group, plural: String(kind).toLowerCase() })}/${name}`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
