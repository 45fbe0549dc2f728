/**
 * Inventories that rules are checked against: what a collector's API says of its devices, or agent.yaml as far as it
 * says which devices there are. Both are read loosely; whoever owns them checks the rest.
 */
import { errorText } from "@aislewatch/base";
import { type Diagnostic, durationMs, parseYaml, wholeFile } from "@aislewatch/config";
import type { InventoryDevice } from "@aislewatch/contract";
import { z } from "zod";

export type InventoryEntry = {
  readonly site: string;
  /** Of the site, where that is known. */
  readonly format?: string;
  readonly device: InventoryDevice;
};

/** What there is to be watched; `name` is what findings about it call it. */
export type CheckedInventory = {
  readonly name: string;
  readonly devices: readonly InventoryEntry[];
  /** Of all sites, as a collector knows them; else what is not in it may be elsewhere. */
  readonly isWhole: boolean;
};

const asset = z.object({ vendor: z.string(), model: z.string(), serial: z.string(), firmware: z.string() }).partial();

/** A device as `GET /api/v1/sites/:site/devices` and `aislewatch rules inventory` give it; other fields don't matter here. */
const listed = z.object({
  site: z.string(),
  format: z.string().optional(),
  id: z.string(),
  kind: z.string(),
  name: z.string().optional(),
  driver: z.string().default(""),
  profile: z.string().nullish(),
  labels: z.record(z.string(), z.string()).default({}),
  dependsOn: z.array(z.string()).default([]),
  intervalMs: z.number().positive(),
  asset: asset.default({}),
});
export type ListedDevice = z.infer<typeof listed>;

export function inventoryEntry({ site, format, profile, name, ...device }: ListedDevice): InventoryEntry {
  const optional = { ...(name !== undefined && { name }), ...(typeof profile === "string" && { profile }) };
  const whole: InventoryDevice = { ...device, ...optional, components: [], metrics: [] };
  return { site, ...(format !== undefined && { format }), device: whole };
}

/** What an agent takes when its file does not say (agent/config.ts). */
export const INTERVAL_MS_DEFAULT = 30_000;
/** What the largest collector watches. */
const DEVICES_MAX = 1_000_000;

/** What of agent.yaml says which devices there are; the agent itself checks the rest. */
const agentFile = z.object({
  site: z.string(),
  every: durationMs.default(INTERVAL_MS_DEFAULT),
  devices: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      driver: z.string().default(""),
      every: durationMs.optional(),
      labels: z.record(z.string(), z.string()).default({}),
      depends_on: z.array(z.string()).default([]),
    }),
  ),
});

export type ReadInventory =
  | {
      readonly ok: true;
      readonly devices: readonly InventoryEntry[];
      /** Of all sites; an agent.yaml has one agent's. */
      readonly isWhole: boolean;
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** The text of a file: YAML is an agent.yaml, all else JSON as `aislewatch rules inventory` writes it. Never throws. */
export function parseInventory(input: { file: string; text: string }): ReadInventory {
  const { file, text } = input;
  if (/\.ya?ml$/.test(file)) return parseAgentFile(input);
  const refused = (message: string): ReadInventory => ({
    ok: false,
    diagnostics: [wholeFile(file, "CFG_VALUE", message)],
  });
  try {
    const parsed = z.array(listed).max(DEVICES_MAX).safeParse(JSON.parse(text));
    if (parsed.success) return { ok: true, devices: parsed.data.map(inventoryEntry), isWhole: true };
    const [issue] = parsed.error.issues;
    return refused(
      `expected devices as "aislewatch rules inventory" writes them; ${issue?.path.join(".")}: ${issue?.message}`,
    );
  } catch (thrown) {
    return refused(`expected JSON: ${errorText(thrown)}`);
  }
}

function parseAgentFile(input: { file: string; text: string }): ReadInventory {
  const parsed = parseYaml(input, agentFile);
  if (!parsed.ok) return parsed;
  const { site, every, devices } = parsed.value;
  return {
    ok: true,
    isWhole: false,
    devices: devices.map(({ depends_on: dependsOn, every: own, ...device }) =>
      inventoryEntry({ ...device, site, dependsOn, intervalMs: own ?? every, asset: {} }),
    ),
  };
}
