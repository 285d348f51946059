/** Rows as an aligned table in plain text, two spaces between its columns; the first row is the heading. */
export function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd());
}

/** A line for each number that is not 0, with what it counts. */
export const counted = (counts: [number, string][]): string[] =>
  counts.flatMap(([count, what]) => (count > 0 ? [`  ${count} ${what}`] : []));
