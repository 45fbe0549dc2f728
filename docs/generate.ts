/**
 * `npm run docs`: the pages that are lists of what the code holds. A test (test/lint/docs.test.ts) compares them, so
 * they can't fall behind.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE, EVENT_CODES, FAULT_CODES, KINDS, profileJsonSchema } from "@aislewatch/devices";
import { type AnyLogEvent, lifecycleEvents } from "@aislewatch/runtime";
import { agentEvents } from "../agent/events.ts";
import { events as collectorEvents } from "../collector/events.ts";
import { FIGURES, type FigureName, figureName } from "../collector/figures.ts";
import { rulesReferencePage } from "./rules-reference.ts";
import { shippedRulesPage } from "./shipped-rules.ts";

const HEADER = "<!-- Made by `npm run docs` from the code; edit there. -->\n";

export const PAGES: Readonly<Record<string, () => string>> = {
  "metrics.md": metricsPage,
  "logs.md": logsPage,
  "collector-metrics.md": collectorMetricsPage,
  "rules-reference.md": () => rulesReferencePage(HEADER),
  "shipped-rules.md": () => shippedRulesPage(HEADER),
};

function metricsPage(): string {
  const rows = CATALOGUE.map(
    ({ name, type, unit, component, kinds, meaning, bad }) =>
      `| \`${name}\` | ${type === "boolean" ? `yes/no${bad === undefined ? "" : bad ? ", yes is bad" : ", no is bad"}` : unit || "number"} | ${component ?? "–"} | ${kinds === null ? "all" : kinds.join(", ")} | ${meaning} |`,
  );
  const faults = Object.entries(FAULT_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  const events = Object.entries(EVENT_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return `${HEADER}# Metrics and fault codes

What a name means is the same on the wire, in rules, on the page and in stores. A metric never changes its type or unit;
a new meaning is a new name. A level that a device calls "unknown" or "some" is absent, not zero. Names that end in
\`_total\` are counters: use \`rate()\` and \`increase()\` on them. A metric with a component class belongs to a part of the
device (\`disk-var\`, \`port-gi0-1\`) and is used in rules with \`scope: component\`.

Kinds: ${KINDS.map((kind) => `\`${kind}\``).join(", ")}.

| metric | unit | component | kinds | meaning |
|---|---|---|---|---|
${rows.join("\n")}

## Fault codes

Locale-free names of what is wrong; a vendor's own text is evidence beside them.

| code | meaning |
|---|---|
${faults.join("\n")}

Events (\`on: event\`) have these codes, and \`_cleared\` behind them when a fault is over; beside them there are:

| code | meaning |
|---|---|
${events.join("\n")}
`;
}

function collectorMetricsPage(): string {
  const names = (Object.keys(FIGURES) as FigureName[]).toSorted();
  const rows = names.map((name) => {
    const { type, help, labels } = FIGURES[name];
    const named = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${figureName(name)}\` | ${type} | ${unitOf(name, type)} | ${named || "–"} | ${help} |`;
  });
  return `${HEADER}# Metrics of the collector

What \`GET /metrics\` says, as Prometheus text: with a token, or from loopback. What to look at, and why, stands in
[operate.md](operate.md#metrics). Counters begin at 0 with the process. Figures with labels are there once there is something
to tell of; those that begin with \`aislewatch_broker_\`, and \`aislewatch_publishes_dropped_total\`, with an
[external broker](brokers.md) only. What devices and agents report is another thing: [metrics.md](metrics.md).

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

/** The unit is in the name, as Prometheus has it; a count of things has none. */
function unitOf(name: string, type: string): string {
  if (name.endsWith("_bytes_per_second")) return "bytes a second";
  if (name.endsWith("_bytes")) return "bytes";
  if (name.endsWith("_seconds")) return "seconds";
  return type === "counter" ? "count" : "number";
}

function logsPage(): string {
  const table = (events: Readonly<Record<string, AnyLogEvent>>) =>
    [
      "| event | level | meaning | fields |",
      "|---|---|---|---|",
      ...Object.values(events)
        .sort((a, b) => a.name.localeCompare(b.name))
        .map(
          ({ name, level, meaning, fields }) =>
            `| \`${name}\` | ${level} | ${meaning} | ${
              Object.keys(fields)
                .map((field) => `\`${field}\``)
                .join(", ") || "–"
            } |`,
        ),
    ].join("\n");
  return `${HEADER}# Log events

Both programs write one JSON object a line on stderr (\`--log-format text\` for people). \`event\` is one of the names
below, values are fields, and a line that repeats within a minute is counted (\`repeats\`) instead of printed. *error*:
somebody must act. *warn*: odd, nothing lost. *info*: what the program does. *debug*: each poll.

## Every program

${table(lifecycleEvents)}

## Agent

${table(agentEvents)}

## Collector

${table(collectorEvents)}
`;
}

if (import.meta.main) {
  for (const [name, make] of Object.entries(PAGES)) writeFileSync(join(import.meta.dirname, name), make());
  const schema = join(import.meta.dirname, "../packages/devices/profiles/schema.json");
  writeFileSync(schema, `${JSON.stringify(profileJsonSchema(), null, 2)}\n`);
}
