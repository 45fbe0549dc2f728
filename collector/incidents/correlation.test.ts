import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { causeKeys, namesOf, overAt, placeOf } from "./correlation.ts";
import { foldIncident } from "./log.ts";
import { log, min, opened, recovered, resolved, type Step } from "./sample-log.ts";
import { type Incident, incidentKey } from "./types.ts";

const DOWN = ["switch-down", "no-answer"];
const SETTLE_MS = 120_000;
const one = (id: string, ...steps: Step[]): Incident => foldIncident(id, log(steps));

describe("what an incident is suppressed by", () => {
  it.each([
    { name: "a device", by: "s1/lane-1/pos", keys: ["s1|lane-1/pos||switch-down", "s1|lane-1/pos||no-answer"] },
    { name: "an agent", by: "agent:s1/pc", keys: ["s1|agent/pc||switch-down", "s1|agent/pc||no-answer"] },
    { name: "a wider fault of the site", by: "rule:few-lanes@s1", keys: ["s1|||few-lanes"] },
    { name: "one of the device", by: "rule:offline@s1/lane-1/pos", keys: ["s1|lane-1/pos||offline"] },
    { name: "one of a component", by: "rule:flapping@s1/sw#port-7", keys: ["s1|sw|port-7|flapping"] },
  ])("is found by the key of its incident: $name", ({ by, keys }) => expect(causeKeys(by, DOWN)).toEqual(keys));

  it("names the incident that is found by it, and no other", () => {
    const subject = fc.record({
      site: fc.constantFrom("s1", "s2"),
      device: fc.option(fc.constantFrom("sw", "lane-1/pos", "agent/pc")),
      component: fc.option(fc.constantFrom("port-1", "port-2")),
    });
    const incident = fc
      .record({ subject, rule: fc.constantFrom("switch-down", "no-answer", "few-lanes") })
      .filter(({ subject: { device, component } }) => device !== null || component === null);
    fc.assert(
      fc.property(incident, incident, (a, b) => {
        const key = incidentKey(b.rule, b.subject);
        for (const name of namesOf(a, DOWN)) {
          expect(causeKeys(name, DOWN)).toContain(incidentKey(a.rule, a.subject));
          // Another one is found by the same name only as another rule over `up` of the same device.
          const isSame = JSON.stringify(a.subject) === JSON.stringify(b.subject);
          const mayBe = isSame && (a.rule === b.rule || (DOWN.includes(a.rule) && DOWN.includes(b.rule)));
          if (causeKeys(name, DOWN).includes(key)) expect(mayBe).toBe(true);
        }
      }),
    );
  });
});

describe("where an incident belongs", () => {
  const cause = one("INC-1", [0, opened("P1")]);
  const over = one("INC-1", [0, opened("P1")], [5, recovered]);
  const ended = one("INC-1", [0, opened("P1")], [4, { type: "cancelled", code: "test", text: null }]);
  const fleet = { kind: null, vendor: null, model: null, firmware: null, sites: 5, withinMs: 1 };
  const many = one("INC-1", [0, opened("P1", { fleet })]);
  const manyDone = one("INC-1", [0, opened("P1", { fleet })], [5, resolved("network")]);
  const below: Step = [1, { type: "parent_set", incident: "INC-1", why: "it depends on sw, which is down" }];
  const hidden: Step = [0, opened("P3", { suppressedBy: "berlin-01/sw" })];
  const seen: Step = [6, { type: "unsuppressed" }];

  type Case = {
    name: string;
    child: Step[];
    cause?: Incident | null;
    parent: Incident | null;
    now?: number;
    is: string;
    at?: number;
  };
  it.each<Case>([
    { name: "below its cause", child: [hidden], cause, parent: null, is: "below" },
    { name: "where it is, once it is there", child: [hidden, below], cause, parent: cause, is: "as_it_is" },
    { name: "nowhere while its cause has no incident", child: [hidden], cause: null, parent: null, is: "as_it_is" },
    { name: "not below a cause that is over", child: [hidden], cause: over, parent: null, is: "as_it_is" },
    { name: "where it was until it is read", child: [hidden, below], cause: over, parent: over, is: "as_it_is" },
    { name: "there for the settle time", child: [hidden, below, seen], cause: null, parent: over, is: "until", at: 8 },
    { name: "by itself after that", child: [hidden, below, seen], cause: null, parent: over, now: 8, is: "by_itself" },
    {
      name: "where it was when it recovered",
      child: [hidden, below, seen, [7, recovered]],
      parent: over,
      now: 9,
      is: "as_it_is",
    },
    { name: "not below what has ended", child: [hidden, below], cause: null, parent: ended, is: "by_itself" },
    { name: "nor below what is gone", child: [hidden, below], cause: null, parent: null, is: "by_itself" },
    {
      name: "below one of the fleet while that stands",
      child: [[0, opened("P3")], below],
      parent: many,
      now: 99,
      is: "as_it_is",
    },
    {
      name: "there for a while when a person resolved that",
      child: [[0, opened("P3")], below],
      parent: manyDone,
      is: "until",
      at: 7,
    },
    { name: "and then by itself", child: [[0, opened("P3")], below], parent: manyDone, now: 7, is: "by_itself" },
  ])("$name", ({ child, cause: above = null, parent, now = 6, is, at = 0 }) => {
    const place = placeOf(one("INC-2", ...child), { cause: above, parent }, SETTLE_MS, min(now));
    expect(place.is).toBe(is);
    if (place.is === "until") expect(place.at).toBe(min(at));
  });

  it("never is below itself", () => {
    const child = one("INC-2", hidden);
    expect(placeOf(child, { cause: child, parent: null }, SETTLE_MS, min(6)).is).toBe("as_it_is");
  });

  it("has been over since it first was", () => {
    expect(overAt(cause)).toBe(0);
    expect(overAt(one("INC-1", [0, opened("P1")], [5, recovered], [9, resolved("network")]))).toBe(min(5));
  });
});
