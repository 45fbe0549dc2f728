/**
 * What an ops team knows of its hardware beyond what devices say of themselves: until when there is a warranty, by which
 * tag the books have it, and whom to call for it. Written in vendors.yaml and assets.csv (../vendors-file.ts).
 */
import type { Asset } from "@aislewatch/contract";
import { identityOf } from "./likeness.ts";

/** Who services hardware, and what to say when one calls. */
export type Vendor = {
  readonly id: string;
  readonly name: string;
  readonly phone: string | null;
  readonly email: string | null;
  readonly portal: string | null;
  /** The number of the contract, which they ask for first. */
  readonly contract: string | null;
  /** One of these is enough; none: only assets that name the vendor. */
  readonly covers: readonly Cover[];
};

/** All that is given must fit; makers and models in any case. */
export type Cover = {
  readonly makers: readonly string[] | null;
  readonly models: readonly string[] | null;
  readonly kinds: readonly string[] | null;
  readonly sites: readonly string[] | null;
};

/** Dates are local days, `2026-12-25`. */
export type AssetRecord = {
  readonly serial: string;
  /** Only where makers have the same serial number. */
  readonly maker: string | null;
  readonly tag: string | null;
  readonly purchased: string | null;
  /** The last day of it. */
  readonly warrantyUntil: string | null;
  /** Id of a vendor; null: who covers it. */
  readonly vendor: string | null;
};

export type AssetBook = {
  readonly vendors: readonly Vendor[];
  readonly size: number;
  /** What is written down of this hardware; null: nothing. */
  record(asset: Asset): AssetRecord | null;
  /** The vendor that its record names, else the first of the file that covers it. */
  vendorOf(asset: Asset, where: { readonly site: string; readonly kind: string | null }): Vendor | null;
};

const fold = (text: string): string => text.trim().toLowerCase();

/** One serial number may stand for several makers; in one maker it is one asset. */
export const assetKey = ({ serial, maker }: Pick<AssetRecord, "serial" | "maker">): string =>
  `${fold(serial)}\n${maker === null ? "" : fold(maker)}`;

export function createAssetBook(vendors: readonly Vendor[], assets: readonly AssetRecord[]): AssetBook {
  const byKey = new Map(assets.map((one) => [assetKey(one), one]));
  const byId = new Map(vendors.map((one) => [one.id, one]));

  function record(asset: Asset): AssetRecord | null {
    const { serial, vendor } = identityOf(asset);
    if (serial === null) return null;
    const exact = vendor === null ? undefined : byKey.get(assetKey({ serial, maker: vendor }));
    return exact ?? byKey.get(assetKey({ serial, maker: null })) ?? null;
  }

  return {
    vendors,
    size: assets.length,
    record,
    vendorOf(asset, where) {
      const named = record(asset)?.vendor ?? null;
      if (named !== null) return byId.get(named) ?? null;
      return vendors.find(({ covers }) => covers.some((cover) => fits(cover, asset, where))) ?? null;
    },
  };
}

export const NO_ASSETS: AssetBook = createAssetBook([], []);

function fits(
  { makers, models, kinds, sites }: Cover,
  asset: Asset,
  { site, kind }: { readonly site: string; readonly kind: string | null },
): boolean {
  const has = (list: readonly string[] | null, word: string | null | undefined): boolean =>
    list === null || (word != null && list.some((one) => fold(one) === fold(word)));
  return has(makers, asset.vendor) && has(models, asset.model) && has(kinds, kind) && has(sites, site);
}

export type Warranty = {
  readonly until: string;
  /** `ending`: within WARRANTY_ENDING_DAYS. */
  readonly state: "valid" | "ending" | "over";
  /** Whole days until its last day; below 0 it is over since. */
  readonly days: number;
};

/** Time to claim what one has put off. */
export const WARRANTY_ENDING_DAYS = 30;
const DAY_MS = 86_400_000;

/** `today` is the local day at the site. On its last day a warranty is still one. */
export function warrantyOf(until: string | null, today: string): Warranty | null {
  if (until === null) return null;
  const days = Math.round((Date.parse(`${until}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`)) / DAY_MS);
  return { until, days, state: days < 0 ? "over" : days <= WARRANTY_ENDING_DAYS ? "ending" : "valid" };
}
