/**
 * A strict reader of Prometheus' text format 0.0.4, for tests of what we write: every line must be known, HELP and TYPE
 * stand once and before a family's samples, and a family's samples stand together.
 */
export type Family = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: { labels: Record<string, string>; value: number }[];
};

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) ([^\\n]*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)$`);

/** The families in order. Throws at the first line that the format does not have. */
export function parseExposition(text: string): Family[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Family>();
  let help: { name: string; text: string } | null = null;
  let current: Family | null = null;
  for (const line of text.split("\n").slice(0, -1)) {
    const [, helpName, helpText] = HELP.exec(line) ?? [];
    if (helpName !== undefined) {
      help = { name: helpName, text: unescaped(helpText ?? "") };
      continue;
    }
    const [, typeName, type = ""] = TYPE.exec(line) ?? [];
    if (typeName !== undefined) {
      if (help?.name !== typeName || families.has(typeName)) throw new Error(`out of place: ${line}`);
      current = { name: typeName, type, help: help.text, samples: [] };
      families.set(typeName, current);
      continue;
    }
    const [, sampleName, labels = "", value] = SAMPLE.exec(line) ?? [];
    if (sampleName === undefined) throw new Error(`no line of the format: ${JSON.stringify(line)}`);
    if (current?.name !== sampleName) throw new Error(`not among its family: ${line}`);
    current.samples.push({ labels: readLabels(labels), value: readNumber(value ?? "") });
  }
  return [...families.values()];
}

const readLabels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(LABEL, "g"))].map(([pair]) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), unescaped(pair.slice(at + 2, -1))];
    }),
  );

const readNumber = (text: string): number => Number(text.replace("Inf", "Infinity"));

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
