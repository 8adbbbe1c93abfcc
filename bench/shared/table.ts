import type { Row } from './row';

const widths = [48, 9, 9, 9, 6, 7, 25, 4] as const;

/** The head of the table. */
export function tableHead(): string {
  const names = line(['question', 'value', 'unit', 'baseline', 'ratio', 'recall', 'goal', 'met']);
  return `${names}\n${'-'.repeat(names.length)}`;
}

/** One line of the table. */
export function tableLine(row: Row): string {
  const met = row.met === null ? '' : row.met ? 'yes' : 'NO';
  return line([
    row.name,
    figure(row.value),
    row.unit,
    figure(row.baseline),
    row.ratio === null ? '' : row.ratio.toFixed(2),
    row.recall === null ? '' : row.recall.toFixed(3),
    row.goal ?? '',
    met,
  ]);
}

function line(cells: readonly string[]): string {
  // Figures stand to the right of their column, words to the left.
  const isFigure = (i: number) => [1, 3, 4, 5].includes(i);
  return cells
    .map((cell, i) => (isFigure(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
    .join(' ')
    .trimEnd();
}

function figure(value: number | null): string {
  if (value === null) return '';
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
