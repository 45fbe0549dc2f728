/** The shipped rule packs with shorter waits, for tests from raw evidence to incident. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { ROOT } from "./rig.ts";

const WAIT_SCALE = 200;
/** What passes an eye of the simulated belt stands in its light for half a second: no jam. */
const WAIT_MS_MIN = 1_000;
/** The quiet time of the test's lane, a var of `scanner-silent` that is made to be set. */
const QUIET_SECONDS = 2;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Every shipped pack with shorter waits, of all rules or of these; the packs' own tests are about the real ones. */
export function hurriedPacks(only: readonly string[] | null = null): Record<string, string> {
  const folder = join(ROOT, "rules/packs");
  const packs = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return Object.fromEntries(
    packs.map((file) => {
      const pack: unknown = parse(readFileSync(join(folder, file), "utf8"));
      return [file, stringify(only === null ? hurried(pack) : hurriedRules(pack, only), { lineWidth: 0 })];
    }),
  );
}

function hurriedRules(pack: unknown, only: readonly string[]): unknown {
  if (typeof pack !== "object" || pack === null || !("rules" in pack) || !Array.isArray(pack.rules)) return pack;
  return { ...pack, rules: pack.rules.map((rule: { id: string }) => (only.includes(rule.id) ? hurried(rule) : rule)) };
}

function hurried(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(hurried);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => key !== "tests")
      .map(([key, value]) => [key, hurriedEntry(key, value)]),
  );
}

function hurriedEntry(key: string, value: unknown): unknown {
  if (key === "silent") return QUIET_SECONDS;
  const wait = (key === "for" || key === "keep") && /^(\d+)(ms|s|m|h)$/.exec(String(value));
  if (!wait) return hurried(value);
  const waitMs = Number(wait[1]) * (UNIT_MS[wait[2] ?? ""] ?? Number.NaN);
  return `${waitMs === 0 ? 0 : Math.round(Math.max(WAIT_MS_MIN, waitMs / WAIT_SCALE))}ms`;
}
