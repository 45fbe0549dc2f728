/**
 * Overrides that reach nothing in an inventory: a slip in a model's name, or hardware that is gone. Says which word of
 * `where` fits nothing, as far as one alone is to blame.
 *
 * Nobody is accused of what the inventory does not say: an agent.yaml knows no models and no other site's devices.
 */
import { type Diagnostic, suggest } from "@aislewatch/config";
import type { CheckedInventory, InventoryEntry } from "./inventory.ts";
import { type CompiledOverrides, compileOverrides, fits, idleOverrides, type OverrideTarget } from "./overrides.ts";
import { selectsDevice } from "./select.ts";
import type { Override, OverridePlace, Rule } from "./types.ts";

/** Mistakes of the file, or of one without any the entries that change nothing of what is in the inventory. */
export function checkOverrides(
  file: { readonly file: string; readonly text: string },
  rules: readonly Rule[],
  inventory: CheckedInventory | null,
): readonly Diagnostic[] {
  const compiled = compileOverrides(file, rules);
  if (!compiled.ok) return compiled.diagnostics;
  return inventory === null ? compiled.warnings : [...compiled.warnings, ...idle(compiled, rules, inventory)];
}

function idle(
  { overrides, source }: Extract<CompiledOverrides, { ok: true }>,
  rules: readonly Rule[],
  inventory: CheckedInventory,
): Diagnostic[] {
  return overrides.flatMap((override, i) => {
    const rule = rules.find(({ id }) => id === override.rule);
    if (rule === undefined) return [];
    const selected = inventory.devices.filter(({ site, device }) => selectsDevice(rule.select, site, device));
    // That the rule itself selects nothing is said of the rule.
    if (selected.length === 0) return [];
    const targets = selected.map((entry) => targetOf(entry, rule));
    const judged = { ...override, where: judgeable(override.where, selected, inventory) };
    if (idleOverrides([judged], targets).length === 0) return [];
    const [key, message, hint] = blame(judged, targets, inventory.name);
    const what = { code: "RULE_OVERRIDE_IDLE", message, severity: "warning", ...(hint && { hint }) } as const;
    return [source.diagnostic(["overrides", i, "where", ...key], what)];
  });
}

/** A rule over a site goes by the site alone. */
const targetOf = ({ site, format, device }: InventoryEntry, { scope }: Rule): OverrideTarget => ({
  site,
  format: format ?? "",
  device: scope === "site" ? null : device,
});

const ASSET_KEYS = ["vendor", "model", "firmware"] as const;

/** Without what the inventory says nothing of. */
function judgeable(where: OverridePlace, selected: readonly InventoryEntry[], { isWhole }: CheckedInventory) {
  const { site, format, labels, ...asset } = where;
  const told = ASSET_KEYS.filter((key) => selected.some(({ device }) => (device.asset[key] ?? "") !== ""));
  const isElsewhere = !isWhole && !site?.every((id) => selected.some((entry) => entry.site === id));
  return {
    ...(site !== undefined && !isElsewhere && { site }),
    ...(format !== undefined && selected.some((entry) => entry.format !== undefined) && { format }),
    ...(labels !== undefined && !isElsewhere && { labels }),
    ...Object.fromEntries(isElsewhere ? [] : told.flatMap((key) => (asset[key] ? [[key, asset[key]]] : []))),
  };
}

type Blame = readonly [key: readonly string[], message: string, hint: string | null];

/** The first word that fits nothing by itself; or only all of them together do. */
function blame({ rule, where }: Override, targets: readonly OverrideTarget[], inventory: string): Blame {
  const nobody = `changes nothing: of the ${targets.length} devices of ${inventory} that ${rule} is about, none`;
  for (const { key, place, values, known } of wordsOf(where)) {
    if (targets.some((target) => fits(place, target))) continue;
    const there = new Set(targets.map(known).filter((value) => value !== ""));
    const near = values.map((value) => suggest(value.replace(/[*]$/, ""), there)).find((each) => each !== null);
    const all = there.size > 0 && there.size <= NAMES_SHOWN_MAX ? `they have ${[...there].sort().join(", ")}` : null;
    const hint = near === undefined || near === null ? all : `did you mean "${near}"?`;
    return [key, `${nobody} has ${key.join(".")} ${values.join(" or ")}`, hint];
  }
  return [[], `${nobody} fits all of ${Object.keys(where).join(", ")} at once`, null];
}

/** More names help nobody. */
const NAMES_SHOWN_MAX = 8;

type Word = {
  readonly key: readonly string[];
  readonly place: OverridePlace;
  readonly values: readonly string[];
  /** What a target has there; empty when nothing. */
  readonly known: (target: OverrideTarget) => string;
};

function wordsOf({ site, format, labels, ...asset }: OverridePlace): Word[] {
  return [
    ...(site === undefined
      ? []
      : [{ key: ["site"], place: { site }, values: site, known: (target: OverrideTarget) => target.site }]),
    ...(format === undefined
      ? []
      : [{ key: ["format"], place: { format }, values: format, known: (target: OverrideTarget) => target.format }]),
    ...Object.entries(labels ?? {}).map(([name, values]) => ({
      key: ["labels", name],
      place: { labels: { [name]: values } },
      values,
      known: ({ device }: OverrideTarget) => device?.labels[name] ?? "",
    })),
    ...ASSET_KEYS.flatMap((key) => {
      const values = asset[key];
      if (values === undefined) return [];
      return [
        {
          key: [key],
          place: { [key]: values },
          values,
          known: (target: OverrideTarget) => target.device?.asset[key] ?? "",
        },
      ];
    }),
  ];
}
