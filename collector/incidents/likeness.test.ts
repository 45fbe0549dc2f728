import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chanceOfAtLeast,
  identityOf,
  type Likeness,
  type LikenessInput,
  LOOKED_AT_MAX,
  likenessOf,
  type Past,
  wilson,
} from "./likeness.ts";
import { anIncident, anInput, before, DAY, NO_PAST, T0 } from "./sample-past.ts";

const like = (past: Partial<Past>, given: Partial<LikenessInput> = {}): Likeness =>
  likenessOf({ ...anInput({ past: { ...NO_PAST, ...past } }), ...given });
const times = (past: Partial<Past>, of = "slot"): readonly number[] | undefined =>
  like(past).recurrence.find((one) => one.of === of)?.times;

describe("recurrence", () => {
  it("counts the last 7, 30 and 90 days before it was opened", () => {
    const slot = [0, 6, 7, 8, 29, 31, 90, 91, 400].map((days, n) => before(n, days));
    expect(times({ slot })).toEqual([3, 5, 7]);
  });

  it.each([
    { name: "itself", one: before(100, 0) },
    { name: "of another rule", one: before(1, 1, { rule: "head-open" }) },
    { name: "of another component", one: before(1, 1, { component: "tray-2" }) },
    { name: "cancelled", one: before(1, 1, { outcome: "cancelled", code: "false_positive" }) },
    { name: "merged into another", one: before(1, 1, { outcome: "merged" }) },
    { name: "after it", one: before(1, -1) },
  ])("leaves out what is $name", ({ one }) => expect(times({ slot: [one] })).toEqual([0, 0, 0]));

  it("of an asset goes with it from slot to slot, and not to another maker's of the same number", () => {
    const elsewhere = before(1, 3, { slot: "s9/till/printer", site: "s9" });
    const stranger = before(2, 3, { vendor: "SATO" });
    expect(times({ asset: [elsewhere, stranger] }, "asset")).toEqual([1, 1, 1]);
  });

  it("is not told of what is not known", () => {
    const of = (incident: LikenessInput["incident"]): string[] =>
      like({}, { incident }).recurrence.map((one) => one.of);
    expect(of(anIncident())).toEqual(["slot", "asset", "model", "site"]);
    expect(of(anIncident({ asset: { vendor: "Zebra", serial: "0000" } }))).toEqual(["slot", "site"]);
    expect(of(anIncident({ subject: { site: "s1", device: null, component: null }, asset: {} }))).toEqual(["site"]);
  });

  it("says when there are more than were looked at", () => {
    const model = Array.from({ length: LOOKED_AT_MAX }, (_, n) => before(n + 200, n / 100));
    const [told] = like({ model }).recurrence.filter(({ of }) => of === "model");
    expect(told).toMatchObject({ isMore: true, times: [LOOKED_AT_MAX, LOOKED_AT_MAX, LOOKED_AT_MAX] });
    expect(like({ model: model.slice(1) }).recurrence.find(({ of }) => of === "model")?.isMore).toBe(false);
  });

  it("never counts fewer in a longer time", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -2, max: 200, noNaN: true }), { maxLength: 40 }), (days) => {
        const counted = times({ slot: days.map((day, n) => before(n, day)) }) ?? [];
        expect(counted).toEqual(counted.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("what is usual", () => {
  const fleet = (perDevice: number, devices: number) =>
    Array.from({ length: perDevice * devices }, (_, n) =>
      before(1_000 + n, (n % 89) + 0.5, { slot: `s${n % devices}x/printer` }),
    );
  const here = (count: number) => Array.from({ length: count }, (_, n) => before(n, n + 1));
  const usual = (count: number, perDevice: number, given: Partial<LikenessInput> = {}) => {
    const slot = here(count);
    return like({ slot, model: [...slot, ...fleet(perDevice, 39)] }, { devicesAlike: 40, ...given }).usual;
  };

  it.each([
    { name: "as often as others", count: 2, perDevice: 3, verdict: "as_usual" },
    { name: "a little more often, as chance has it", count: 4, perDevice: 2, verdict: "as_usual" },
    { name: "far more often", count: 9, perDevice: 1, verdict: "more_often" },
    { name: "twice where nobody else ever failed", count: 1, perDevice: 0, verdict: "as_usual" },
    { name: "three times where nobody else ever failed", count: 2, perDevice: 0, verdict: "more_often" },
  ])("is told: $name", ({ count, perDevice, verdict }) => {
    const told = usual(count, perDevice);
    expect(told).toMatchObject({ verdict, times: count + 1, days: 90, devices: 40, exposureDays: 3_510 });
    expect(told?.expected).toBeCloseTo(perDevice, 5);
  });

  it.each([
    { name: "few devices", given: { devicesAlike: 4 } },
    { name: "a few days", given: { since: T0 - 7 * DAY } },
    { name: "no past at all", given: { since: null } },
    { name: "no model", given: { incident: anIncident({ asset: { serial: "S1" } }) } },
    { name: "no device", given: { incident: anIncident({ subject: { site: "s1", device: null, component: null } }) } },
  ])("is not told of $name", ({ given }) => expect(usual(9, 1, given)).toBeNull());

  it("is of a shorter time where the model has more incidents than are looked at", () => {
    const model = Array.from({ length: LOOKED_AT_MAX }, (_, n) =>
      before(n + 200, n / 20, { slot: `s${n % 30}/printer` }),
    );
    const told = like({ model }, { devicesAlike: 500 }).usual;
    expect(told).toMatchObject({ days: LOOKED_AT_MAX / 20, incidents: LOOKED_AT_MAX });
  });
});

describe("what helped", () => {
  const with_ = (...codes: ReturnType<typeof before>["code"][]) => codes.map((code, n) => before(n, n + 1, { code }));

  it("is told with how many it is of", () => {
    const [first] = like({
      model: with_("cleaned", "cleaned", "cleaned", "cleaned", "cleaned", "cleaned", "cleaned", "swapped", "rma"),
    }).resolved;
    expect(first).toMatchObject({ on: "model", code: "cleaned", n: 7, of: 9 });
    expect(first?.atLeast).toBeCloseTo(0.566, 3);
  });

  it.each([
    { name: "two", slot: with_("cleaned", "cleaned") },
    { name: "three that differ", slot: with_("cleaned", "swapped", "rma") },
    { name: "what recovered by itself", slot: with_("cleaned", "cleaned").concat(before(9, 9, { isByPeople: false })) },
    { name: "what was none", slot: with_("false_positive", "false_positive", "no_fault_found", "no_fault_found") },
    {
      name: "what was rare",
      slot: with_("cleaned", "cleaned", ...Array.from({ length: 20 }, () => "no_fault_found" as const)),
    },
  ])("is not told of $name", ({ slot }) => expect(like({ slot }).resolved).toEqual([]));
});

describe("similar ones", () => {
  const ids = (past: Partial<Past>): string[] =>
    like(past).similar.map(({ by, incident }) => `${by} ${Number(incident.slice(4))}`);

  it("are the nearest first, each once, those that people solved before others", () => {
    const slot = [before(1, 1, { isByPeople: false }), before(2, 2)];
    const asset = [
      ...slot,
      before(3, 3, { slot: "s2/printer" }),
      before(6, 4, { rule: "ribbon-out" }),
      before(7, 5, { rule: "jam", category: "hardware" }),
    ];
    const model = [...asset, before(4, 4, { serial: "S2", slot: "s3/printer" })];
    const site = [...slot, before(5, 5, { model: "QLn", slot: "s1/other" })];
    expect(ids({ slot, asset, model, site })).toEqual([
      "slot 2",
      "slot 1",
      "asset 3",
      "model 4",
      "site 5",
      "category 6",
    ]);
  });

  it("leave room for what helped elsewhere", () => {
    const slot = Array.from({ length: 30 }, (_, n) => before(n, n));
    const model = Array.from({ length: 30 }, (_, n) => before(200 + n, n, { slot: "s2/printer" }));
    const found = ids({ slot, model });
    expect([found.length, found[4], found[5]]).toEqual([10, "slot 4", "model 200"]);
  });
});

describe("figures", () => {
  it("of chance are those of Poisson's tables", () => {
    expect(chanceOfAtLeast(0, 3)).toBe(1);
    expect(chanceOfAtLeast(1, 0)).toBe(0);
    expect(chanceOfAtLeast(3, 1)).toBeCloseTo(0.0803, 4);
    expect(chanceOfAtLeast(10, 3)).toBeCloseTo(0.0011, 4);
  });
  it("of a share stay within it", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (n, more) => {
        const low = wilson(n, n + more);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(n + more === 0 ? 0 : n / (n + more) + 1e-12);
      }),
    );
  });
});

describe("who an asset is", () => {
  it.each([
    "0",
    "0000000",
    "XXXX",
    "12345",
    "1234567890",
    "0123456",
    "N/A",
    "none",
    "To be filled by O.E.M.",
    "System Serial Number",
    " ",
  ])("is not told by %j", (serial) => expect(identityOf({ serial }).serial).toBeNull());
  it.each(["1234501", "52J162300417", "A", "000001", "3114205"])("is told by %j", (serial) =>
    expect(identityOf({ serial: ` ${serial} ` }).serial).toBe(serial === "A" ? null : serial),
  );
});
