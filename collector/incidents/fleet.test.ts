import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CorrelationPolicy, DEFAULT_CORRELATION, fleetGroupOf, sitesNeeded } from "./correlation-policy.ts";
import { type Candidate, createFleetGroups, fleetTitle, matterOf } from "./fleet.ts";

const candidate = (id: string, change: Partial<Candidate> = {}): Candidate => ({
  ...{ id, site: "s1", onset: 0, priority: "P3", rule: "no-answer", category: "network", severity: "major" },
  ...{ kind: "pos_terminal", vendor: "NCR", model: "7350", firmware: "1.2" },
  ...change,
});

describe("which incidents are one matter", () => {
  const policy: CorrelationPolicy = {
    settleMs: 0,
    fleet: [
      { where: { rule: ["a"] }, same: ["model"], sites: 3, sharePercent: 0, withinMs: 1 },
      { where: { category: ["network"] }, same: [], sites: 3, sharePercent: 0, withinMs: 1 },
    ],
  };
  const group = (change: Partial<Candidate>) => fleetGroupOf(policy, candidate("x", change))?.key ?? null;

  it.each([
    { name: "one rule at any hardware", a: {}, b: { model: "other", kind: "scale" as const }, same: true },
    { name: "not two rules", a: {}, b: { rule: "b" }, same: false },
    { name: "what the first rule that fits asks for", a: { rule: "a" }, b: { rule: "a", model: "other" }, same: false },
    { name: "models of one vendor", a: { rule: "a" }, b: { rule: "a", vendor: "other" }, same: false },
    { name: "whatever the firmware", a: { rule: "a" }, b: { rule: "a", firmware: null }, same: true },
  ])("$name", ({ a, b, same }) => expect(group(a) === group(b)).toBe(same));

  it("not what is asked for and not known, nor what no rule looks at", () => {
    expect(group({ rule: "a", model: null })).toBeNull();
    expect(group({ category: "consumable" })).toBeNull();
  });

  it("puts none together by the shipped rules that is cheap or used up", () => {
    expect(fleetGroupOf(DEFAULT_CORRELATION, candidate("x", { severity: "minor" }))).toBeNull();
    expect(fleetGroupOf(DEFAULT_CORRELATION, candidate("x", { category: "consumable" }))).toBeNull();
    expect(fleetGroupOf(DEFAULT_CORRELATION, candidate("x"))).not.toBeNull();
  });

  it("takes a share of all sites where that is more", () => {
    const [rule] = DEFAULT_CORRELATION.fleet;
    if (rule === undefined) throw new Error("none");
    expect([0, 40, 100, 101, 1_000].map((all) => sitesNeeded(rule, all))).toEqual([5, 5, 5, 6, 50]);
  });
});

describe("many sites at once", () => {
  it("are those of some time of that length about the one that came, whatever came and went before", () => {
    const spell = fc.record({ site: fc.nat(6).map((n) => `s${n}`), onset: fc.nat(60), isGone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(spell, { maxLength: 40 }), fc.nat(60), fc.nat(30), (spells, onset, afterMs) => {
        const groups = createFleetGroups();
        const all = spells.map(({ site, onset: at }, n) => candidate(`${n}`, { site, onset: at }));
        for (const each of all) groups.put("g", each);
        for (const [n, { isGone }] of spells.entries()) if (isGone) groups.remove(`${n}`);
        const asked = candidate("new", { site: "new", onset });
        const withinMs = 10;
        const left = all.filter((each, n) => spells[n]?.isGone !== true && each.onset > afterMs);
        const near = left.filter((each) => Math.abs(each.onset - onset) <= withinMs);
        const sitesFrom = (from: number): number =>
          new Set(
            [...near, asked]
              .filter((each) => each.onset >= from && each.onset <= from + withinMs)
              .map(({ site }) => site),
          ).size;
        const most = Math.max(...[...near, asked].map((each) => sitesFrom(each.onset)));
        const found = groups.together("g", asked, { sites: 4, withinMs, afterMs });
        expect(found === null).toBe(onset <= afterMs || most < 4);
        if (found !== null) expect(found.map(({ id }) => id).sort()).toEqual(near.map(({ id }) => id).sort());
      }),
    );
  });

  it("have in common what all of them have", () => {
    const members = [candidate("1"), candidate("2", { site: "s2", firmware: "1.3" })];
    expect(matterOf(members, 60_000)).toEqual({
      ...{ kind: "pos_terminal", vendor: "NCR", model: "7350", firmware: null, sites: 2, withinMs: 60_000 },
    });
    expect(matterOf([candidate("1"), candidate("2", { model: "other" })], 1)).toMatchObject({
      model: null,
      firmware: null,
    });
  });

  it.each([
    { name: "hardware that is known", change: {}, title: "No answer: at 1 sites at once, NCR 7350 firmware 1.2" },
    { name: "none", change: { model: null, vendor: null }, title: "No answer: at 1 sites at once" },
  ])("are named with $name", ({ change, title }) => {
    expect(fleetTitle("No answer", matterOf([candidate("1", change)], 1))).toBe(title);
  });
});
