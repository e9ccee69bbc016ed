import { printable } from '../telemetry/printable.ts';

const GAP = '   ';

/**
 * Columns padded to their widest cell, three spaces apart, no borders: made for awk and for eyes.
 * @param heads none: no line for them
 */
export function formatTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = heads.length === 0 ? rows : [heads, ...rows];
  const widths = widthsOf(lines);
  return lines.map((line) => formatRow(line, widths)).join('');
}

/** The widest cell of each column. */
export function widthsOf(lines: readonly (readonly string[])[]): number[] {
  const columns = Math.max(0, ...lines.map((line) => line.length));
  return Array.from({ length: columns }, (_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
}

/** One line of a table whose widths are known, or fixed because its rows are still to come. */
export const formatRow = (cells: readonly string[], widths: readonly number[]): string =>
  `${cells
    .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
    .join(GAP)
    .trimEnd()}\n`;
