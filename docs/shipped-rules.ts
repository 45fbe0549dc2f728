/** docs/shipped-rules.md: what the shipped packs judge, from the packs themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileRules, type Rule } from "@aislewatch/rules";

const PACKS = join(import.meta.dirname, "../rules/packs");

const INTRODUCTION = `# Shipped rules

Each pack is a file of [rules/packs](../rules/packs), where every limit stands with its reason and every rule with its
tests. [Rules](rules.md) says how to read, change and try them; limits that differ by store, model or label are overridden
there, not edited here. A rule that reads a metric which a device never reports does nothing on that device.

## How bad

One scale for all packs. It decides about more than colour: a device with a fault of *major* or worse counts as out of
order, and [priority](incidents.md) comes from what is left of its role.

| severity | says | and |
|---|---|---|
| info | Nothing is wrong yet: something is due, worn or set oddly | calls nobody; it stands in the list |
| minor | It works, but worse or not for long; or a spare part, line or supply of it is gone | calls people |
| major | It does not do what it is there for, or will stop within the hour | counts the device as out of order |
| critical | People, goods or data are in danger now, or much more than this device stands still | is urgent while the store is closed, too |

A part that fails while the rest of its device works (a port, one camera, one access point) is minor, because what hangs on
it has a rule of its own; many of them at once are major. Waits follow from who may be at it: a roll is changed in half a
minute, a program is restarted in one, a defrost lasts half an hour. What staff cure by refilling or shutting closes by
itself after it has recovered, and calls nobody while the store is closed; everything else waits for somebody to look,
because what cures itself comes back.

Tier 1 is the NOC, 2 field support, 3 engineering, 4 the vendor.

## Labels that packs read

Some rules can't know from a device what it is there for. In agent.yaml give

- sensors \`role: freezer\`, \`chiller\`, \`door\`, \`leak\` or \`smoke\`, for the limits of the cold chain and for what a contact means;
- devices of lanes a \`role\` (\`lane\`, \`self-checkout\`) or a \`zone\`: capacity is what is left of a role, and a lane's neighbours are
  the devices of its kind and role.
`;

export function shippedRulesPage(header: string): string {
  const files = readdirSync(PACKS)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => ({ file: name, text: readFileSync(join(PACKS, name), "utf8") }));
  const compiled = compileRules(files);
  if (!compiled.ok) throw new Error("the shipped packs do not compile: aislewatch rules check rules/packs");
  const { rules } = compiled.rules;
  const packs = files.map(({ file, text }) =>
    pack(
      text,
      rules.filter((rule) => rule.file === file),
    ),
  );
  return `${header}${INTRODUCTION}\n${rules.length} rules in ${files.length} packs.\n\n${packs.join("\n")}`;
}

function pack(text: string, rules: readonly Rule[]): string {
  const [first] = rules;
  if (first === undefined) return "";
  const prose = /^(?:#.*\n)+/.exec(text)?.[0].replaceAll(/^# ?/gm, "") ?? "";
  const select = /^select: (.*)$/m.exec(text)?.[1] ?? null;
  const rows = rules.map(
    ({ id, title, select, raise, activeIn, category, tier, runbook }) =>
      `| \`${id}\` | ${title.replaceAll("|", "\\|")}${where(select)} | ${raise.map(level).join(", ")}${activeIn === "always" ? "" : `, in ${activeIn.replaceAll("_", " ")}`} | ${category} | ${tier} | ${runbookLink(runbook)} |`,
  );
  return [
    `## ${first.group}`,
    "",
    `${prose}${select === null ? "" : `\nDevices: \`${unquoted(select)}\`.\n`}`,
    "| rule | says | severity | category | tier | runbook |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** A rule's own `select`, which stands behind its group's. */
const where = (select: string): string => {
  const own = /^[(].*?[)] && [(](.*)[)]$/.exec(select)?.[1];
  return own === undefined ? "" : `; where \`${own}\``;
};

const level = ({ severity, forMs }: Rule["raise"][number]): string =>
  forMs === 0 ? `${severity} at once` : `${severity} after ${written(forMs)}`;

const runbookLink = (runbook: string | null): string =>
  runbook === null ? "–" : `[${runbook}](../rules/runbooks/${runbook}.md)`;

const unquoted = (yaml: string): string => yaml.replace(/^'(.*)'$/, "$1");

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

function written(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ["ms", 1];
  return `${ms / size} ${unit}`;
}
