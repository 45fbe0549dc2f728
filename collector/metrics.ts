/** The collector's own figures as Prometheus text (exposition format 0.0.4; docs/operate.md lists them). */
export type Figure = {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
};

export function prometheusText(figures: readonly Figure[]): string {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const { name, type, help, value, labels } of figures) {
    if (!seen.has(name)) {
      seen.add(name);
      lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    }
    const pairs = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${numberText(value)}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

const numberText = (value: number): string => String(value).replace(/^(-?)Infinity$/, (_, sign) => `${sign || "+"}Inf`);

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

const escapeLabel = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
