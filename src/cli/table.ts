import { printable } from '../telemetry/printable.ts';

const GAP = '   ';

/** Columns padded to their widest cell, three spaces apart, no borders: made for awk and for eyes. */
export function formatTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => formatRow(line, widths)).join('');
}

/** One line of a table whose widths are known, or fixed because its rows are still to come. */
export const formatRow = (cells: readonly string[], widths: readonly number[]): string =>
  `${cells
    .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
    .join(GAP)
    .trimEnd()}\n`;
