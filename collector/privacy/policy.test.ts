import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadCollectorConfig } from "../config.ts";
import { KEEP_ALL } from "./policy.ts";

const DAY_MS = 86_400_000;
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aislewatch-policy-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(text: string) {
  const file = join(folder, "collector.yaml");
  writeFileSync(file, text);
  return loadCollectorConfig(file, {});
}

it("is what collector.yaml says, and everything is kept where it says nothing", () => {
  const loaded = load("privacy:\n  names: 730d\n  addresses: 90d\n");
  expect(loaded.ok && loaded.value.privacy).toEqual({
    ...{ namesMs: 730 * DAY_MS, addressesMs: 90 * DAY_MS, incidentsMs: null },
  });
  const bare = load("data: ./data\n");
  expect(bare.ok && bare.value.privacy).toEqual(KEEP_ALL);
});

it.each([
  ["names: 1h", "2:10", "CFG_"],
  ["names: soon", "2:10", "CFG_"],
  ["name: 30d", "2:3", "CFG_UNKNOWN_KEY"],
  ["names: 40000d", "2:10", "CFG_"],
])("is refused when it is wrong, with its place: %s", (line, place, code) => {
  const loaded = load(`privacy:\n  ${line}\n`);
  expect(loaded.ok).toBe(false);
  if (loaded.ok) return;
  const [first] = loaded.diagnostics;
  expect(`${first?.line}:${first?.column}`).toBe(place);
  expect(first?.code).toContain(code);
});
