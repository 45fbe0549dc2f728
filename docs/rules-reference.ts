/** docs/rules-reference.md, from the tables that the rule language itself is checked with. */
import {
  FILE_KEYS,
  RULE_DIAGNOSTICS,
  RULE_FUNCTIONS,
  RULE_KEYS,
  type RuleFunction,
  type RuleKey,
  TEST_KEYS,
  WINDOW_BYTES_MAX,
  WINDOW_COVERAGE_MIN,
  WINDOW_LATE_MAX_MS,
  windowBytes,
} from "@aislewatch/rules";

const MINUTE_MS = 60_000;
const SPANS: readonly (readonly [name: string, ms: number])[] = [
  ["a streak", 0],
  ["10m", 10 * MINUTE_MS],
  ["1h", 60 * MINUTE_MS],
  ["6h", 6 * 60 * MINUTE_MS],
  ["1d", 24 * 60 * MINUTE_MS],
  ["7d", 7 * 24 * 60 * MINUTE_MS],
];
const EVERY_SECONDS = [10, 30, 60];

export function rulesReferencePage(header: string): string {
  return `${header}# Rule reference

[Rules](rules.md) is the way in; here is everything that a rule file may say. Durations are \`30s\`, \`5m\`, \`1.5h\`, \`7d\`.

## Keys of a file

${keyTable(FILE_KEYS)}

## Keys of a rule

${keyTable(RULE_KEYS)}

## Keys of a test

${keyTable(TEST_KEYS)}

## Conditions

A condition is [CEL](https://cel.dev): metrics by name ([catalogue](metrics.md)), \`vars.x\`, numbers, \`true\` and \`false\`,
\`< <= > >= == !=\`, \`+ - * / %\`, \`&& || !\`, \`a ? b : c\`, and the functions below. It is quoted in YAML. Numbers need no
\`.0\`; a division by zero is unknown.

Every value is known or *unknown*: never read, or not for three polls. A comparison with unknown is unknown; \`&&\` and \`||\`
are decided by the other side where that is enough. Unknown never clears a firing fault and never advances a pending one.

## Functions

${Object.entries(RULE_FUNCTIONS)
  .map(([name, what]) => functionPart(name, what))
  .join("\n")}
\`usual(metric)\`, the median of the same hour of past weeks, is refused: it comes later.

## Windows

A window ends with the newest reading and reaches back by its literal length, \`1s\` to \`7d\`, in the time at which things were
read.

- *Coverage.* A reading holds until the next, or until it is stale. While a window's values are known for less than
  ${WINDOW_COVERAGE_MIN * 100} % of it, its functions are unknown; a rule that wants more says so:
  \`coverage(m, "1h") >= 0.9 && …\`. Only \`count\` and \`coverage\` tell of too little, and of a stale metric.
- *Counters.* A value below the one before is a reset: that step counts neither as growth nor as time.
- *Late and repeated readings.* One that is up to ${WINDOW_LATE_MAX_MS / 1_000} s older than the newest goes to its place, and one that is repeated
  changes nothing, so the order of arrival makes no difference. What is later still is judged apart
  ([history](incidents.md)).
- *Exact* are windows of up to 384 readings. Of a longer one the older part is kept in spans that widen with age: it may reach
  back further than it says by a sixteenth of its length, takes \`quantile\` over the means of those spans, and \`eta\` through
  them.
- *After a restart or an edit* the last values are known at once, and windows, \`time_where\` and \`streak\` are filled from the
  stored readings, raw and whole: as exact as they would be by themselves, a few devices at a time and short windows first.
  Until then a window that reaches back beyond what is known is unknown, \`count\` and \`coverage\` too, and rules over present
  values are judged as ever. What a rule would have told meanwhile it tells then, as of then. The value that a window began with
  is looked for in the hour before it. History that an agent brought after an outage is in the store, so from then on it
  counts. A store that does not answer for ten minutes is given up on: windows begin with what was read since.

### Memory

What one series takes once its longest window is full, in bytes; all rules over a series share it. Never more than
${WINDOW_BYTES_MAX.toLocaleString("en-US")}, however often it is read.

| longest window | ${EVERY_SECONDS.map((seconds) => `read every ${seconds} s`).join(" | ")} |
|---|${EVERY_SECONDS.map(() => "---:|").join("")}
${SPANS.map(([name, spanMs]) => `| ${name} | ${EVERY_SECONDS.map((every) => windowBytes(spanMs, every * 1_000).toLocaleString("en-US")).join(" | ")} |`).join("\n")}

## Diagnostics

What \`aislewatch rules check\` and the collector say of a file; \`rules check --explain CODE\` prints one. An error refuses the
whole set, the last good one stays.

| code | severity | meaning | remedy |
|---|---|---|---|
${Object.entries(RULE_DIAGNOSTICS)
  .map(([code, { severity, meaning, remedy }]) => `| \`${code}\` | ${severity} | ${cell(meaning)} | ${cell(remedy)} |`)
  .join("\n")}
`;
}

function functionPart(name: string, what: RuleFunction): string {
  return `### ${name}

\`${what.signature}\` · scope ${what.scopes.map((scope) => `\`${scope}\``).join(", ")}

${what.meaning}.

| answers | unknown when | keeps |
|---|---|---|
| ${cell(what.unit)} | ${cell(what.unknown)} | ${keeps(what.memory)} |

\`\`\`text
${what.example}
\`\`\`
`;
}

const keeps = (memory: string): string => cell(memory === "a window" ? "[a window](#memory)" : memory);

const keyTable = (keys: Readonly<Record<string, RuleKey>>): string =>
  [
    "| key | value | meaning | left out |",
    "|---|---|---|---|",
    ...Object.entries(keys).map(
      ([name, { type, meaning, default: otherwise }]) =>
        `| \`${name}\` | ${cell(type)} | ${cell(meaning)} | ${cell(otherwise ?? "must stand")} |`,
    ),
  ].join("\n");

const cell = (text: string): string => text.replaceAll("|", "\\|");
