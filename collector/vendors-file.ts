/**
 * vendors.yaml: who services hardware, how they are reached, and what to name when one calls; and a few assets, where no
 * table of them (assets.csv, asset-table.ts) is worth the while.
 *
 *     vendors:
 *       label-service:
 *         name: Label Service GmbH
 *         phone: +49 30 5550200
 *         contract: LS-2026-0815
 *         covers:
 *           - { makers: [Zebra], kinds: [label_printer] }
 *     assets:
 *       - { serial: D2J194500123, warranty_until: 2027-02-28, tag: IT-004711 }
 */
import { type Diagnostic, loadYamlFile, suggest, type YamlSource } from "@aislewatch/config";
import { ID_PATTERN } from "@aislewatch/contract";
import { KINDS } from "@aislewatch/devices";
import { z } from "zod";
import { loadAssetTable, type PlacedAsset, unknownVendor } from "./asset-table.ts";
import { type AssetBook, type AssetRecord, assetKey, createAssetBook, type Vendor } from "./incidents/asset-book.ts";
import { date, email, type Loaded, phone } from "./sites.ts";

/** A chain has dozens. */
const VENDORS_MAX = 500;
const COVERS_MAX = 50;
const LIST_MAX = 2_000;
/** More are a table. */
const ASSETS_MAX = 5_000;

const word = z.string().trim().min(1).max(128);
const words = z.array(word).min(1).max(LIST_MAX).optional();
const cover = z.strictObject({
  makers: words,
  models: words,
  kinds: z.array(z.enum(KINDS)).min(1).max(KINDS.length).optional(),
  sites: words,
});
const vendorSchema = z.strictObject({
  name: word,
  phone: phone.optional(),
  email: email.optional(),
  portal: z
    .string()
    .max(512)
    .regex(/^https?:\/\/[^\s/]+(?:\/\S*)?$/, "an address such as https://service.example.com")
    .optional(),
  contract: word.optional(),
  covers: z.array(cover).max(COVERS_MAX).default([]),
});
const assetSchema = z.strictObject({
  serial: word,
  maker: word.optional(),
  tag: word.optional(),
  purchased: date.optional(),
  warranty_until: date.optional(),
  vendor: z.string().optional(),
});
const vendorsFile = z.strictObject({
  vendors: z
    .record(z.string().regex(ID_PATTERN, "a name of lower-case letters, digits and hyphens"), vendorSchema)
    .refine((all) => Object.keys(all).length <= VENDORS_MAX, { message: `at most ${VENDORS_MAX} vendors` })
    .default({}),
  assets: z.array(assetSchema).max(ASSETS_MAX).default([]),
});
type Written = z.infer<typeof vendorsFile>;

export type AssetFiles = {
  /** Null: there is none. */
  readonly vendors: string | null;
  readonly assets: string | null;
  /** Ids of the sites file; null: not checked. */
  readonly sites: readonly string[] | null;
};

/** Both files, or all mistakes in them. Never throws. */
export function loadAssetBook({ vendors: file, assets: table, sites }: AssetFiles): Loaded<AssetBook> {
  const yaml = file === null ? null : loadYamlFile(file, vendorsFile);
  const texts = new Map(file !== null && yaml?.text != null ? [[file, yaml.text]] : []);
  const written = yaml === null ? NOTHING : yaml.ok ? yaml.value : null;
  const diagnostics: Diagnostic[] = [];
  if (yaml !== null && !yaml.ok) diagnostics.push(...yaml.diagnostics);
  if (yaml?.ok) diagnostics.push(...faultsOf(yaml.value, yaml.source, sites));
  const ids = written === null ? null : Object.keys(written.vendors);
  const loaded = table === null ? null : loadAssetTable(table, ids);
  if (loaded !== null && !loaded.ok) {
    diagnostics.push(...loaded.diagnostics);
    for (const [name, text] of loaded.texts) texts.set(name, text);
  }
  const placed = loaded?.ok ? loaded.value.assets : [];
  if (table !== null && loaded?.ok) texts.set(table, loaded.value.text);
  if (table !== null) diagnostics.push(...repeated(placed, table));
  if (table !== null && yaml?.ok) diagnostics.push(...inBoth(yaml.value, yaml.source, { placed, table }));
  if (diagnostics.length > 0 || written === null) return { ok: false, diagnostics, texts };
  const vendors = Object.entries(written.vendors).map(([id, one]) => toVendor(id, one));
  return { ok: true, value: createAssetBook(vendors, [...written.assets.map(toAsset), ...placed]) };
}

const NOTHING: Written = { vendors: {}, assets: [] };

function toVendor(id: string, { covers, ...one }: Written["vendors"][string]): Vendor {
  const { name, phone: number = null, email: address = null, portal = null, contract = null } = one;
  return {
    ...{ id, name, phone: number, email: address, portal, contract },
    covers: covers.map(({ makers = null, models = null, kinds = null, sites = null }) => ({
      ...{ makers, models, kinds, sites },
    })),
  };
}

function toAsset({ serial, warranty_until, ...more }: Written["assets"][number]): AssetRecord {
  const { maker = null, tag = null, purchased = null, vendor = null } = more;
  return { serial, maker, tag, purchased, warrantyUntil: warranty_until ?? null, vendor };
}

function faultsOf({ vendors, assets }: Written, source: YamlSource, sites: readonly string[] | null): Diagnostic[] {
  const ids = Object.keys(vendors);
  const ofVendors = Object.entries(vendors).flatMap(([id, one]) => [
    ...unreachable(id, one, source),
    ...one.covers.flatMap((given, index) => coverFaults(given, ["vendors", id, "covers", index], { source, sites })),
  ]);
  const firstAt = new Map<string, number>();
  const ofAssets = assets.flatMap((asset, index) => {
    const { vendor } = asset;
    const key = assetKey(toAsset(asset));
    const first = firstAt.get(key);
    firstAt.set(key, first ?? index);
    const unknown = vendor === undefined || ids.includes(vendor) ? null : unknownVendor(vendor, ids);
    const line = first === undefined ? 0 : source.at(["assets", first, "serial"]).line;
    const message = `expected each serial number once; received "${asset.serial}" again, first on line ${line}`;
    return [
      ...(unknown === null ? [] : [source.diagnostic(["assets", index, "vendor"], unknown)]),
      ...(first === undefined
        ? []
        : [source.diagnostic(["assets", index, "serial"], { code: "CFG_DUPLICATE_ID", message })]),
    ];
  });
  return [...ofVendors, ...ofAssets];
}

/** A vendor whom nobody can reach is none. */
function unreachable(id: string, { name, ...how }: Written["vendors"][string], source: YamlSource): Diagnostic[] {
  if (how.phone !== undefined || how.email !== undefined || how.portal !== undefined) return [];
  const message = `expected a phone number, an e-mail address or a portal of ${name}`;
  return [source.diagnostic(["vendors", id], { code: "CFG_NO_WAY_TO_REACH", message, key: true })];
}

function coverFaults(
  given: z.infer<typeof cover>,
  path: readonly (string | number)[],
  { source, sites }: { readonly source: YamlSource; readonly sites: readonly string[] | null },
): Diagnostic[] {
  if (Object.values(given).every((one) => one === undefined)) {
    const message = "expected makers, models, kinds or sites; received nothing, which would be everything";
    return [source.diagnostic(path, { code: "CFG_MISSING_KEY", message })];
  }
  return (given.sites ?? []).flatMap((site, index) => {
    if (sites === null || sites.includes(site)) return [];
    const near = suggest(site, sites);
    const message = `expected a site of the sites file; received "${site}"`;
    const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
    return [source.diagnostic([...path, "sites", index], { code: "CFG_UNKNOWN_SITE", message, ...hint })];
  });
}

function repeated(placed: readonly PlacedAsset[], file: string): Diagnostic[] {
  const firstAt = new Map<string, number>();
  return placed.flatMap((asset) => {
    const key = assetKey(asset);
    const first = firstAt.get(key);
    firstAt.set(key, first ?? asset.line);
    if (first === undefined) return [];
    const message = `expected each serial number once; received "${asset.serial}" again, first on line ${first}`;
    return [inTable(file, asset, message)];
  });
}

function inBoth(
  { assets }: Written,
  source: YamlSource,
  { placed, table }: { readonly placed: readonly PlacedAsset[]; readonly table: string },
): Diagnostic[] {
  const inYaml = new Map(assets.map((one, index) => [assetKey(toAsset(one)), index]));
  return placed.flatMap((asset) => {
    const index = inYaml.get(assetKey(asset));
    if (index === undefined) return [];
    const { line } = source.at(["assets", index, "serial"]);
    const message = `expected each serial number in one place; "${asset.serial}" is in ${source.file} on line ${line} as well`;
    return [inTable(table, asset, message)];
  });
}

const inTable = (file: string, { line, serial }: PlacedAsset, message: string): Diagnostic => ({
  ...{ file, line, column: 1, length: Math.max(1, serial.length), severity: "error" },
  ...{ code: "CFG_DUPLICATE_ID", path: "serial", message },
});
