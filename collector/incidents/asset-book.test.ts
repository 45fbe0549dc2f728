import { describe, expect, it } from "vitest";
import { type AssetRecord, createAssetBook, NO_ASSETS, type Vendor, warrantyOf } from "./asset-book.ts";

const asset = (serial: string, given: Partial<AssetRecord> = {}): AssetRecord => ({
  ...{ serial, maker: null, tag: null, purchased: null, warrantyUntil: null, vendor: null },
  ...given,
});
const vendor = (id: string, ...covers: Partial<Vendor["covers"][number]>[]): Vendor => ({
  ...{ id, name: id, phone: "1", email: null, portal: null, contract: null },
  covers: covers.map((one) => ({ ...{ makers: null, models: null, kinds: null, sites: null }, ...one })),
});
const book = createAssetBook(
  [
    vendor("zt", { makers: ["Zebra"], models: ["ZT411"] }, { kinds: ["scale"] }),
    vendor("zebra", { makers: ["zebra"], sites: ["s1"] }),
    vendor("named"),
  ],
  [asset("A1", { tag: "any" }), asset("A1", { maker: "Zebra", tag: "zebra" }), asset("A2", { vendor: "named" })],
);

describe("the book of assets", () => {
  it.each([
    { name: "by its serial number, in any case", of: { serial: " a1" }, tag: "any" },
    { name: "of its maker first", of: { serial: "A1", vendor: "ZEBRA" }, tag: "zebra" },
    { name: "of no maker where there is no other", of: { serial: "A1", vendor: "SATO" }, tag: "any" },
    { name: "not without a serial number", of: { vendor: "Zebra" }, tag: undefined },
    { name: "not by another one", of: { serial: "A3" }, tag: undefined },
  ])("finds an asset $name", ({ of, tag }) => expect(book.record(of)?.tag).toBe(tag));

  it("takes no number that nobody wrote for one", () => {
    const junk = createAssetBook([], [asset("0000000", { tag: "junk" })]);
    expect(junk.record({ serial: "0000000" })).toBeNull();
  });

  it.each([
    { name: "that its asset names", of: { serial: "A2", vendor: "Zebra", model: "ZT411" }, id: "named" },
    { name: "that is first to cover it", of: { vendor: "zebra", model: "zt411" }, id: "zt" },
    { name: "of whose entries one fits", of: { vendor: "Bizerba" }, kind: "scale", id: "zt" },
    { name: "of its site", of: { vendor: "Zebra", model: "QLn" }, id: "zebra" },
    { name: "none elsewhere", of: { vendor: "Zebra", model: "QLn" }, site: "s2", id: undefined },
    { name: "none where the model must fit and is not known", of: { vendor: "Zebra" }, site: "s2", id: undefined },
  ])("gives the vendor $name", ({ of, site = "s1", kind = "label_printer", id }) =>
    expect(book.vendorOf(of, { site, kind })?.id).toBe(id),
  );

  it("may be empty", () => {
    expect([NO_ASSETS.record({ serial: "A1" }), NO_ASSETS.vendorOf({}, { site: "s1", kind: null })]).toEqual([
      null,
      null,
    ]);
  });
});

describe("a warranty", () => {
  it.each([
    { today: "2026-11-22", state: "valid", days: 98 },
    { today: "2027-01-28", state: "valid", days: 31 },
    { today: "2027-01-29", state: "ending", days: 30 },
    { today: "2027-02-28", state: "ending", days: 0 },
    { today: "2027-03-01", state: "over", days: -1 },
    { today: "2028-02-29", state: "over", days: -366 },
  ])("until 2027-02-28 is $state on $today", ({ today, state, days }) => {
    expect(warrantyOf("2027-02-28", today)).toEqual({ until: "2027-02-28", state, days });
  });
  it("that is not known is none", () => expect(warrantyOf(null, "2026-11-22")).toBeNull());
});
