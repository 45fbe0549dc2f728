/** What the documents tell a user to write is taken by the programs as it stands. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { checkRules, compileOverrides, formatTrialResults, runTrials } from "@aislewatch/rules";
import { afterAll, describe, expect, it } from "vitest";
import { runOnce } from "../rig/rig.ts";

const ROOT = join(import.meta.dirname, "../..");
const blocks = (page: string): string[] =>
  [...readFileSync(join(ROOT, page), "utf8").matchAll(/^( *)```yaml\n([\s\S]*?)^\1```/gm)].map(
    ([, indent = "", text = ""]) => text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );

const texts = (page: string): string[] =>
  [...readFileSync(join(ROOT, page), "utf8").matchAll(/^```text\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);

describe("docs/rules.md", () => {
  const [good = "", faulty = ""] = blocks("docs/rules.md");
  const shown = texts("docs/rules.md");
  const file = "my-printers.yaml";
  const check = (text: string) => checkRules([{ file, text }], { inventory: null, runbooks: null });

  it("shows a rule that has no mistake and whose tests pass", () => {
    const { compiled, findings } = check(good);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
    expect(findings).toEqual([]);
    expect(`${formatTrialResults(runTrials(compiled.rules, compiled.tests))}\n`).toBe(shown[2]);
  });

  it("shows what is said of a file with mistakes, as it is said", () => {
    expect(`${formatDiagnostics(check(faulty).findings, new Map([[file, faulty]]))}\n`).toBe(shown[1]);
  });

  it("shows a test that fails, as it is told", () => {
    const { compiled } = check(good.replace("at: 8m", "at: 6m"));
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
    expect(`${formatTrialResults(runTrials(compiled.rules, compiled.tests))}\n`).toBe(shown[3]);
  });

  it("shows a second rule for the file, and a test of what it does to the first", () => {
    const second = blocks("docs/rules.md").find((block) => block.includes("id: labels-used-up")) ?? "";
    const { compiled, findings } = check(`${good}${second}`);
    if (!compiled.ok) throw new Error(formatDiagnostics(compiled.diagnostics, new Map()));
    expect(findings).toEqual([]);
    expect(formatTrialResults(runTrials(compiled.rules, compiled.tests))).toBe("4 passed, 0 failed");
  });

  it("shows a test of a dead switch that the shipped rules pass", () => {
    const shown = blocks("docs/rules.md").find((block) => block.startsWith("- name: a till hangs")) ?? "";
    const text = readFileSync(join(ROOT, "rules/packs/network.yaml"), "utf8").replace(
      /^ {4}tests:\n/m,
      (line) => `${line}${shown.replaceAll(/^/gm, "      ")}\n`,
    );
    const devices = readFileSync(join(ROOT, "rules/packs/devices.yaml"), "utf8");
    const set = [
      { file: "network.yaml", text },
      { file: "devices.yaml", text: devices },
    ];
    const { compiled } = checkRules(set, { inventory: null, runbooks: null });
    if (!compiled.ok) throw new Error(formatDiagnostics(compiled.diagnostics, new Map()));
    const tried = compiled.tests.filter(({ test }) => test.name.startsWith("a till hangs"));
    expect(formatTrialResults(runTrials(compiled.rules, tried))).toBe("1 passed, 0 failed");
  });

  it("shows an override that fits the rule", () => {
    const { compiled } = check(good);
    const text = blocks("docs/rules.md").find((block) => block.startsWith("overrides:")) ?? "";
    const read = compileOverrides({ file: "overrides.yaml", text }, compiled.ok ? compiled.rules.rules : []);
    expect(read).toMatchObject({ ok: true, overrides: [{ rule: "labels-soon-out", line: 2 }] });
  });
});

describe("docs/first-device.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "first-device-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("leads to a configuration that both programs take", async () => {
    const [sites = "", collector = "", agent = ""] = blocks("docs/first-device.md");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "sites.yaml"), sites);
    writeFileSync(join(folder, "collector.yaml"), collector);
    writeFileSync(join(folder, "agent.yaml"), agent);
    const added = await runOnce(
      "collector/main.ts",
      ["agents", "add", "my-store/pc", "--config", "collector.yaml", "--out", "agent-password"],
      { cwd: folder },
    );
    expect(added).toMatchObject({ code: 0, stderr: "" });
    const checked = await runOnce("collector/main.ts", ["collector", "--check", "--config", "collector.yaml"], {
      cwd: folder,
    });
    expect(checked.stdout + checked.stderr).toMatch(/\d+ rules, 1 sites: no mistakes found/);
    const agentChecked = await runOnce("agent/main.ts", ["check", "--config", "agent.yaml"], { cwd: folder });
    expect(agentChecked.code, agentChecked.stdout + agentChecked.stderr).toBe(0);
    const user = await runOnce(
      "collector/main.ts",
      ["users", "add", "you", "--role", "admin", "--config", "collector.yaml"],
      { cwd: folder },
    );
    expect(user.code, user.stderr).toBe(0);
    const link = await runOnce("collector/main.ts", ["login-link", "you", "--config", "collector.yaml"], {
      cwd: folder,
    });
    expect(link.stdout).toMatch(/^http:\/\/127\.0\.0\.1:8080\/api\/v1\/session\/link\/\S+\n$/);
  });
});

describe("deploy/examples/agent.yaml", () => {
  const folder = mkdtempSync(join(tmpdir(), "example-agent-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has no mistake once its secrets are there, and names each that is missing", async () => {
    writeFileSync(join(folder, "agent.yaml"), readFileSync(join(ROOT, "deploy/examples/agent.yaml")));
    const check = (env: Record<string, string>) =>
      runOnce("agent/main.ts", ["check", "--config", "agent.yaml"], { cwd: folder, env });
    const bare = await check({});
    expect(bare.code).toBe(2);
    expect(bare.stderr.match(/CFG_SECRET_UNREADABLE/g)).toHaveLength(4);
    for (const secret of ["agent-password", "snmp-auth", "snmp-privacy"])
      writeFileSync(join(folder, secret), "a-long-secret");
    const whole = await check({ SNMP_COMMUNITY: "store" });
    expect(whole.code, whole.stdout + whole.stderr).toBe(0);
  });
});

describe("docs/modbus-maps.md and docs/devices/modbus.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "modbus-maps-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("show maps without a mistake, and devices that the agent takes", async () => {
    const [map = "", agent = "", zone = ""] = blocks("docs/modbus-maps.md");
    mkdirSync(join(folder, "maps"));
    writeFileSync(join(folder, "maps/acme.yaml"), map);
    writeFileSync(join(folder, "maps/zone.yaml"), zone);
    writeFileSync(join(folder, "agent.yaml"), agent);
    writeFileSync(join(folder, "devices.yaml"), blocks("docs/devices/modbus.md")[0] ?? "");
    const files = ["maps/acme.yaml", "maps/zone.yaml"];
    const checked = await runOnce("agent/main.ts", ["profiles", "check", ...files], { cwd: folder });
    expect(checked.stdout.match(/: right; /g), checked.stdout + checked.stderr).toHaveLength(2);
    for (const config of ["agent.yaml", "devices.yaml"]) {
      const taken = await runOnce("agent/main.ts", ["check", "--config", config], { cwd: folder });
      expect(taken.code, taken.stdout + taken.stderr).toBe(0);
    }
  });
});
