/** The shipped rules: they compile, pass their own tests, have a runbook each, and every runbook belongs to a rule. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { KINDS } from "@aislewatch/devices";
import { checkRules, type RuleTest, runTrials, type Series } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";

const PACKS = join(import.meta.dirname, "packs");
const RUNBOOKS = join(import.meta.dirname, "runbooks");

const files = readdirSync(PACKS)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => ({ file: `rules/packs/${name}`, text: readFileSync(join(PACKS, name), "utf8") }));
const kept = readdirSync(RUNBOOKS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .map((name) => name.replaceAll("\\", "/").replace(/[.]md$/, ""));
const { compiled, findings } = checkRules(files, { inventory: null, runbooks: new Set(kept) });
const { rules, tests } = compiled.ok ? { rules: compiled.rules, tests: compiled.tests } : { rules: null, tests: [] };

describe("shipped rule packs", () => {
  it("have nothing that `aislewatch rules check` finds", () => {
    expect(formatDiagnostics(findings, new Map(files.map(({ file, text }) => [file, text])))).toBe("");
  });

  const results = rules === null ? [] : runTrials(rules, tests);
  it.each(results.map((result) => ({ ...result, title: `${result.rule}: ${result.name}` })))(
    "$title",
    ({ differences }) => expect(differences).toEqual([]),
  );

  /** With every poll after the fault was seen taken away, it must still be there an hour later. */
  const silenced = tests.flatMap((placed) => {
    const fired = placed.test.expect.find(
      (each) => "at" in each && each.rule === undefined && each.state === "firing" && each.at !== "end",
    );
    if (fired === undefined || !("at" in fired) || fired.at === "end") return [];
    const at = fired.at + 3_600_000;
    return [{ ...placed, test: { ...cut(placed.test, fired.at), expect: [{ at, state: "firing" as const }] } }];
  });
  const lasting = rules === null ? [] : runTrials(rules, silenced);
  it.each(lasting.map((result) => ({ ...result, title: `${result.rule} (${result.name})` })))(
    "$title is not cleared by silence",
    ({ differences }) => expect(differences).toEqual([]),
  );

  /** The same polls without what they brought: the device answers, and nobody knows the rest. Events are never unknown. */
  const untold = tests
    .filter((placed) => fires(placed) && placed.test.events === undefined)
    .map((placed) => ({ ...placed, test: withoutValues(placed.test) }));
  const unknown = rules === null ? [] : runTrials(rules, untold);
  it.each(unknown.map((result) => ({ ...result, title: `${result.rule} (${result.name})` })))(
    "$title does not fire while its metrics are unknown",
    ({ differences }) => expect(differences).toEqual([]),
  );

  it("have a test that fires and one that only comes near, for each rule", () => {
    const ids = (rules?.rules ?? []).map(({ id }) => id);
    const of = (id: string) => tests.filter(({ rule }) => rule === id);
    expect(ids.filter((id) => !of(id).some(fires))).toEqual([]);
    expect(ids.filter((id) => of(id).every(fires))).toEqual([]);
  });

  it("have a test of each narrower rule that one absorbs", () => {
    const isShown = (wide: string, narrow: string): boolean =>
      tests.some(({ rule, test }) =>
        test.expect.some((each) => rule === wide && "at" in each && each.rule === narrow && each.suppressed === wide),
      );
    const untried = (rules?.rules ?? []).flatMap(({ id, absorbs }) =>
      absorbs.filter((narrow) => !isShown(id, narrow)).map((narrow) => `${id} absorbs ${narrow}`),
    );
    expect(untried).toEqual([]);
  });

  it("say why in a comment of each rule: where its limits and times are from", () => {
    const without = files.flatMap(({ text }) =>
      text
        .split(/^(?= {2}- id: )/m)
        .slice(1)
        .filter((rule) => !/^ +# ./m.test(rule.split(/^ {4}tests:/m)[0] ?? ""))
        .map((rule) => rule.split("\n")[0]),
    );
    expect(without).toEqual([]);
  });
});

describe("what stores and warehouses have", () => {
  const ids = (rules?.rules ?? []).map(({ id }) => id);

  it.each(KINDS.map((kind) => ({ kind })))("$kind: there are rules that name it", ({ kind }) => {
    const naming = (rules?.rules ?? []).filter(
      ({ select }) => select.includes(`"${kind}"`) && !select.startsWith("(!"),
    );
    expect(naming.length).toBeGreaterThan(0);
  });

  it.each([
    { fault: "a scanner or lane is silent while its neighbours are busy", rule: "lane-silent", reads: "neighbours(" },
    { fault: "labels run out before the weekend is over", rule: "label-media-before-monday", reads: '"48h"' },
    { fault: "a disk will be full tomorrow", rule: "disk-full-soon", reads: "eta(" },
    { fault: "a host's network damages frames", rule: "host-port-errors", reads: "port_receive_errors_total" },
    { fault: "a host's plug is loose", rule: "host-link-unsteady", reads: "port_link_losses_total" },
  ])("$fault: $rule", ({ rule, reads }) => {
    expect(ids).toContain(rule);
    expect(rules?.rules.find(({ id }) => id === rule)?.raise.some(({ when }) => when.includes(reads))).toBe(true);
  });
});

/** Of its own rule; what else a test loads is another's. */
const fires = ({ test }: { readonly test: RuleTest }): boolean =>
  test.expect.some((each) => "at" in each && each.rule === undefined && each.state === "firing");

function withoutValues(test: RuleTest): RuleTest {
  const erased = (metrics: Metrics = {}, isPolled: boolean): Metrics => {
    const length = Math.max(0, ...Object.values(metrics).map((series) => series.length));
    const names = Object.keys(metrics);
    const none = Object.fromEntries(names.map((name) => [name, Array.from({ length }, () => null)]));
    return isPolled && !names.includes("up") ? { ...none, up: Array.from({ length }, () => true) } : none;
  };
  const parts = Object.entries(test.components ?? {});
  const pollsOfParts = Math.max(0, ...parts.flatMap(([, part]) => Object.values(part).map(({ length }) => length)));
  const up = Array.from({ length: pollsOfParts }, () => true);
  return {
    ...test,
    ...(test.series !== undefined && { series: erased(test.series, true) }),
    ...(test.series === undefined && parts.length > 0 && { series: { up } }),
    components: Object.fromEntries(parts.map(([id, part]) => [id, erased(part, false)])),
    devices: Object.fromEntries(
      Object.entries(test.devices ?? {}).map(([id, each]) => [id, { ...each, series: erased(each.series, true) }]),
    ),
    expect: [{ incidents: 0 }],
  };
}

type Metrics = Readonly<Record<string, Series>>;

function cut(test: RuleTest, atMs: number): RuleTest {
  const length = Math.floor(atMs / test.step) + 1;
  const shorter = (metrics: Metrics = {}): Metrics =>
    Object.fromEntries(Object.entries(metrics).map(([name, series]) => [name, series.slice(0, length)]));
  const each = <T extends { series?: Metrics | undefined }>(devices: Readonly<Record<string, T>> = {}) =>
    Object.fromEntries(
      Object.entries(devices).map(([id, device]) => [id, { ...device, series: shorter(device.series) }]),
    );
  return {
    ...test,
    ...(test.series && { series: shorter(test.series) }),
    components: Object.fromEntries(Object.entries(test.components ?? {}).map(([id, part]) => [id, shorter(part)])),
    parents: Object.fromEntries(
      Object.entries(test.parents ?? {}).map(([id, parent]) => [id, { ...parent, up: parent.up?.slice(0, length) }]),
    ),
    devices: each(test.devices),
  };
}

/** The order in which somebody at a telephone needs them. */
const RUNBOOK_PARTS = [
  { heading: "What it means", linesMin: 1, line: /./ },
  { heading: "Ask", linesMin: 1, line: /^- .+[.?]$/ },
  { heading: "Look", linesMin: 1, line: /^- .+[.?]$/ },
  { heading: "Do first", linesMin: 3, line: /^\d+[.] .+[.?]$/ },
  { heading: "Send", linesMin: 1, line: /./ },
  { heading: "Bring", linesMin: 1, line: /^- .+[.]$/ },
] as const;

describe("runbooks", () => {
  const named = new Set((rules?.rules ?? []).map(({ runbook }) => runbook ?? "none"));

  it.each([...named].map((runbook) => ({ runbook })))(
    "$runbook leads from the shop floor to the van",
    ({ runbook }) => {
      const file = join(RUNBOOKS, `${runbook}.md`);
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      expect(text).toMatch(/^# .+/);
      const parts = text.split(/^## /m).map((part) => part.split("\n"));
      expect(parts.slice(1).map(([heading]) => heading)).toEqual(RUNBOOK_PARTS.map(({ heading }) => heading));
      for (const [i, { linesMin, line }] of RUNBOOK_PARTS.entries()) {
        const lines = parts[i + 1]?.slice(1).filter((each) => each !== "") ?? [];
        expect(lines.length).toBeGreaterThanOrEqual(linesMin);
        for (const each of lines) expect(each).toMatch(line);
      }
    },
  );

  it("are all used", () => {
    expect(kept.filter((name) => !named.has(name))).toEqual([]);
  });
});
