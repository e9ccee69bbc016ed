import { TrigateError } from '../domain/errors.ts';

export type Format = 'yaml' | 'json';

export function checkFormat(format: string): Format {
  if (format === 'yaml' || format === 'json') return format;
  throw new TrigateError('INVALID_ARGUMENT', 'Output format needs to be yaml or json');
}

/** An object as a manifest. */
export async function formatObject(object: unknown, format: Format): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(object, null, 4)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(object);
    }
    default:
      return format satisfies never;
  }
}
