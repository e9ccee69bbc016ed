import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version in the nearest package.json above, which is the same for the source and for the compiled program. */
export function packageVersion(folder: string = import.meta.dirname): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  } catch {
    // Not here: one up.
  }
  const parent = dirname(folder);
  return parent === folder ? 'unknown' : packageVersion(parent);
}
