import { expect, it } from 'vitest';
import { formatTable } from './table.ts';

it('pads columns to the widest cell and leaves no space at the end', () => {
  expect(
    formatTable(
      ['A', 'LONG'],
      [
        ['wide cell', 'x'],
        ['', ''],
      ],
    ),
  ).toBe('A           LONG\nwide cell   x\n\n');
});

it('keeps a row on its line and the terminal unharmed', () => {
  expect(formatTable(['A'], [['a\nb\u001b[31m']])).toBe('A\na·b·[31m\n');
});
