/**
 * The import lint, linted: a small tree with one forbidden import per rule, and each must come out red. Without this a
 * lint that reads nothing looks like a clean tree (it did, with TypeScript 7).
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PACKAGES = ["base", "contract", "config", "devices", "rules", "runtime", "simulator", "cli"];

/** Rule → the file to plant and what it must not import. */
const PLANTS: readonly (readonly [rule: string, file: string, source: string])[] = [
  ["base-imports-nothing", "packages/base/bad.ts", `import "@aislewatch/contract";`],
  ["contract-imports-base", "packages/contract/bad.ts", `import "@aislewatch/devices";`],
  ["config-imports-base", "packages/config/bad.ts", `import "@aislewatch/contract";`],
  ["devices-imports-base-and-config", "packages/devices/bad.ts", `import "@aislewatch/rules";`],
  ["rules-imports-the-pure-packages", "packages/rules/bad.ts", `import "@aislewatch/runtime";`],
  ["runtime-imports-base", "packages/runtime/bad.ts", `import "@aislewatch/devices";`],
  ["simulator-imports-packages", "packages/simulator/bad.ts", `import "../../agent/ok.ts";`],
  ["cli-starts-programs-as-processes", "packages/cli/bad.ts", `import "../../collector/ok.ts";`],
  ["agent-never-imports-collector", "agent/bad.ts", `import "../collector/ok.ts";`],
  ["collector-never-imports-agent", "collector/bad.ts", `import "../agent/ok.ts";`],
  ["nothing-imports-the-simulator", "agent/bad-simulator.ts", `import "@aislewatch/simulator";`],
  ["drivers-are-strangers", "agent/drivers/a/index.ts", `import "../b/index.ts";`],
  ["pure-code-has-no-world", "agent/core/bad.ts", `import "node:timers/promises";`],
  ["pure-code-has-no-world", "agent/drivers/a/parse.ts", `import "node:fs";`],
  ["pure-code-has-no-world", "collector/incidents/bad.ts", `import "node:crypto";`],
  ["page-talks-http", "collector/page/src/bad.ts", `import "../../ok.ts";`],
  ["tests-are-leaves", "agent/bad-test.ts", `import "./some.test.ts";`],
  ["no-cycles", "agent/cycle-a.ts", `import "./cycle-b.ts";`],
  ["no-unresolved", "agent/bad-unresolved.ts", `import "./nowhere.ts";`],
  ["one-owner-mqtt", "agent/bad-mqtt.ts", `import "mqtt";`],
  ["one-owner-aedes", "collector/bad-aedes.ts", `import "aedes";`],
  ["one-owner-net-snmp", "agent/bad-snmp.ts", `import "net-snmp";`],
  ["one-owner-serialport", "agent/bad-serial.ts", `import "serialport";`],
  ["one-owner-koffi", "agent/bad-koffi.ts", `import "koffi";`],
  ["one-owner-systeminformation", "agent/bad-systeminformation.ts", `import "systeminformation";`],
  ["one-owner-duckdb-node-api", "collector/bad-duckdb.ts", `import "@duckdb/node-api";`],
  ["one-owner-influxdata-influxdb-client", "collector/bad-influx.ts", `import "@influxdata/influxdb-client";`],
  ["one-owner-kysely", "collector/bad-kysely.ts", `import "kysely";`],
  ["one-owner-csv-parse", "collector/bad-csv.ts", `import "csv-parse/sync";`],
  ["one-owner-nodemailer", "collector/bad-nodemailer.ts", `import "nodemailer";`],
  ["one-owner-fastify", "collector/bad-fastify.ts", `import "fastify";`],
  ["one-owner-marcbachmann-cel-js", "collector/bad-cel.ts", `import "@marcbachmann/cel-js";`],
  ["one-owner-yaml", "collector/bad-yaml.ts", `import "yaml";`],
  ["one-owner-pino", "collector/bad-pino.ts", `import "pino";`],
  ["one-owner-node-sqlite", "collector/bad-sqlite.ts", `import "node:sqlite";`],
];

let tree = "";
let violations: { rule: string; from: string }[] = [];

function write(file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "arrows-"));
  for (const file of [".dependency-cruiser.mjs", "tsconfig.json", "package.json"])
    cpSync(join(ROOT, file), join(tree, file));
  for (const name of PACKAGES) {
    cpSync(join(ROOT, "packages", name, "package.json"), join(tree, "packages", name, "package.json"), {
      recursive: true,
    });
    write(`packages/${name}/index.ts`, "export {};");
  }
  for (const file of [
    "agent/ok.ts",
    "collector/ok.ts",
    "agent/drivers/b/index.ts",
    "agent/some.test.ts",
    "test/ok.ts",
  ]) {
    write(file, "export {};");
  }
  write("agent/cycle-b.ts", `import "./cycle-a.ts";`);
  for (const [, file, source] of PLANTS) write(file, source);
  mkdirSync(join(tree, "node_modules", "@aislewatch"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name !== "@aislewatch" && !name.startsWith(".")) {
      symlinkSync(join(ROOT, "node_modules", name), join(tree, "node_modules", name));
    }
  }
  for (const name of PACKAGES)
    symlinkSync(join(tree, "packages", name), join(tree, "node_modules", "@aislewatch", name));
  const cruiser = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const args = [
    cruiser,
    "--config",
    ".dependency-cruiser.mjs",
    "--output-type",
    "json",
    "packages",
    "agent",
    "collector",
    "test",
  ];
  let output: string;
  try {
    output = execFileSync(process.execPath, args, { cwd: tree, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  } catch (thrown) {
    // It exits with the number of violations, which is what we are after.
    output = String((thrown as { stdout: unknown }).stdout);
  }
  const { summary } = JSON.parse(output) as { summary: { violations: { rule: { name: string }; from: string }[] } };
  violations = summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }));
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe("the import lint", () => {
  it.each(PLANTS.map(([rule, file]) => ({ rule, file })))("$rule catches $file", ({ rule, file }) => {
    expect(violations).toContainEqual({ rule, from: file });
  });

  it("has a planted violation for each of its rules", async () => {
    const { default: config } = (await import(join(ROOT, ".dependency-cruiser.mjs"))) as {
      default: { forbidden: { name: string }[] };
    };
    expect(new Set(PLANTS.map(([rule]) => rule))).toEqual(new Set(config.forbidden.map(({ name }) => name)));
  });
});
