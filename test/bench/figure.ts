/** One line of a benchmark's result. */
export type Figure = { readonly label: string; readonly value: number; readonly unit: string };

export function printFigures(title: string, figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ label }) => label.length));
  process.stdout.write(`\n${title}\n`);
  for (const { label, value, unit } of figures) {
    process.stdout.write(`  ${label.padEnd(width)}  ${format(value).padStart(12)} ${unit}\n`);
  }
}

function format(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

/** What is being done now, on stderr: a benchmark takes a while. */
export function progress(text: string): void {
  process.stderr.write(`bench: ${text} …\n`);
}
