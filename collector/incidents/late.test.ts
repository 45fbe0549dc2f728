import type { Rule, Transition } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";
import { rulesOf } from "../sample-site.ts";
import {
  fromEarlierOnset,
  fromSpell,
  fromStanding,
  type LateOutcome,
  LEVELS_MAX,
  type Spell,
  STANDING,
  stepSpell,
} from "./late.ts";
import { append } from "./log.ts";
import { REOPEN_WINDOW_MS } from "./transition.ts";
import type { Incident, IncidentEventBody } from "./types.ts";

const T0 = Date.UTC(2026, 10, 20, 9);
const MINUTE = 60_000;
const min = (n: number): number => T0 + n * MINUTE;

function ruleOf(mode = "live"): Rule {
  const [rule] = rulesOf(`group: t
select: kind == "label_printer"
rules:
  - { id: out, title: Out, when: "media_out", for: 0s, severity: major, category: consumable, mode: ${mode} }
`).rules;
  if (rule === undefined) throw new Error("no rule");
  return rule;
}
const rule = ruleOf();

const moves = (atMinute: number, to: Transition["to"], given: Partial<Transition> = {}): Transition => ({
  rule: "out",
  ruleVersion: "a1",
  subject: { site: "s1", device: "printer", component: null },
  at: min(atMinute),
  from: to === "firing" ? "inactive" : "firing",
  to,
  severity: to === "firing" ? "major" : null,
  flags: { stale: false, suppressedBy: null },
  title: "Out",
  since: min(atMinute),
  values: {},
  reason: to === "firing" ? "condition" : "clear",
  ...given,
});
const spell = (from: number, to: number | null): Spell => ({
  opened: moves(from, "firing"),
  levels: [],
  over: to === null ? null : moves(to, "inactive", { since: min(from) }),
});

const context = { priority: { priority: "P3", why: "one of two" } } as const;
const stamp = (at: number) => ({ at, recordedAt: at, actor: "system" });

/** An incident that opened at `from`, with what happened to it then. */
function incidentOf(from: number, ...then: { at: number; body: IncidentEventBody }[]): Incident {
  const [opened] = fromSpell(null, spell(from, from + 1), rule, context).open;
  if (opened === undefined) throw new Error("nothing opened");
  let { incident } = append("INC-000001", null, [opened.body], stamp(opened.at));
  for (const { at, body } of then) incident = append("INC-000001", incident, [body], stamp(min(at))).incident;
  return incident;
}
const recovered = (at: number) => ({ at, body: { type: "recovered", values: {} } satisfies IncidentEventBody });

/** `opened@1 recovered@3`, in minutes. */
const told = (events: LateOutcome["append"]): string =>
  events.map(({ at, body }) => `${body.type}@${(at - T0) / MINUTE}`).join(" ");
const both = ({ append: more, open }: LateOutcome): string[] => [told(more), told(open)];

describe("a spell that came and went", () => {
  const late = REOPEN_WINDOW_MS / MINUTE + 10;

  it.each([
    { name: "alone is an incident of its own, resolved", incident: null, is: ["", "opened@5 recovered@8 resolved@8"] },
    {
      name: "soon after one that recovered comes back in that one",
      incident: incidentOf(1, recovered(3)),
      is: ["fired_again@5 recovered@8", ""],
    },
    {
      name: "that the incident has already changes nothing",
      incident: incidentOf(5),
      is: ["", ""],
    },
    {
      name: "before one that stands is closed at once, for the key is taken",
      incident: incidentOf(20),
      is: ["", "opened@5 recovered@8 resolved@8 closed@8"],
    },
    {
      name: "beside one that was closed is an incident of its own",
      incident: incidentOf(1, recovered(2), { at: 3, body: { type: "closed" } }),
      is: ["", "opened@5 recovered@8 resolved@8"],
    },
  ])("$name", ({ incident, is }) => expect(both(fromSpell(incident, spell(5, 8), rule, context))).toEqual(is));

  it("is retroactive, and long after an earlier one no recurrence of it", () => {
    const { append: more, open } = fromSpell(incidentOf(1, recovered(3)), spell(late, late + 1), rule, context);
    expect(more).toEqual([]);
    expect(open[0]?.body).toMatchObject({ type: "opened", retroactive: true, onset: min(late) });
  });

  it.each([
    { name: "a shadow rule", of: ruleOf("shadow"), given: spell(5, 8) },
    { name: "a rule that is gone", of: null, given: spell(5, 8) },
    { name: "a spell that stands", of: rule, given: spell(5, null) },
    { name: "a spell without its beginning", of: rule, given: { ...spell(5, 8), opened: null } },
  ])("is nothing of $name", ({ of, given }) => expect(both(fromSpell(null, given, of, context))).toEqual(["", ""]));
});

describe("a fault that stood when its agent went away", () => {
  const over = (at: number): Spell => ({ ...STANDING, over: moves(at, "inactive", { since: min(1) }) });
  const how = { rule, awayAt: min(4), ...context };

  it.each([
    {
      name: "recovered, as the live lane saw later",
      incident: incidentOf(1, recovered(9)),
      spells: [over(5)],
      stands: false,
      is: "recovered_earlier@5",
    },
    {
      name: "recovered, and stands again: nobody was told otherwise",
      incident: incidentOf(1),
      spells: [over(5)],
      stands: true,
      is: "",
    },
    {
      name: "came back meanwhile, and stands",
      incident: incidentOf(1),
      spells: [over(5), spell(6, null)],
      stands: true,
      is: "recovered@5 fired_again@6",
    },
    {
      name: "came back and went",
      incident: incidentOf(1, recovered(9)),
      spells: [over(5), spell(6, 7)],
      stands: false,
      is: "recovered_earlier@5 fired_again@6 recovered@7",
    },
    {
      name: "came back, and went when the live lane saw it",
      incident: incidentOf(1, recovered(9)),
      spells: [over(5), spell(6, null)],
      stands: false,
      is: "recovered_earlier@5 fired_again@6 recovered@9",
    },
    { name: "of which nothing was heard", incident: incidentOf(1), spells: [], stands: true, is: "" },
  ])("$name", ({ incident, spells, stands, is }) => {
    const outcomes = fromStanding(incident, spells, stands, how);
    expect(outcomes.map((one) => told(one.append)).join("")).toBe(is);
    expect(outcomes.flatMap(({ open }) => open)).toEqual([]);
  });

  it("leaves an incident alone that has gone on since, and tells the rest beside it", () => {
    const gone = incidentOf(1, recovered(5), {
      at: 9,
      body: { type: "fired_again", onset: min(9), severity: "major", title: "Out", values: {} },
    });
    const outcomes = fromStanding(gone, [over(5), spell(6, 7)], true, how);
    expect(outcomes.map(both)).toEqual([
      ["recovered_earlier@5", ""],
      ["", "opened@6 recovered@7 resolved@7 closed@7"],
    ]);
  });

  it("that people have closed meanwhile is told in incidents of its own", () => {
    const closed = incidentOf(1, recovered(5), { at: 6, body: { type: "closed" } });
    expect(fromStanding(closed, [over(5), spell(6, 7)], false, how).map(both)).toEqual([
      ["", ""],
      ["", "opened@6 recovered@7 resolved@7"],
    ]);
  });
});

describe("spells", () => {
  it("are made of transitions, one after the other", () => {
    expect(stepSpell(null, moves(1, "pending"))).toBeNull();
    expect(stepSpell(null, moves(1, "inactive"))).toBeNull();
    const opened = stepSpell(null, moves(1, "firing"));
    expect(opened).toMatchObject({ opened: { at: min(1) }, over: null });
    expect(stepSpell(opened, moves(2, "inactive"))).toMatchObject({ over: { at: min(2) } });
    // Its beginning is not known, so it is nobody's.
    expect(stepSpell(null, moves(1, "firing", { from: "recovering" }))).toBeNull();
  });

  it("keep the newest changes of level", () => {
    let one = stepSpell(null, moves(0, "firing"));
    for (let n = 1; n <= LEVELS_MAX + 5; n++)
      one = stepSpell(one, moves(n, "firing", { from: "firing", reason: "level" }));
    expect(one?.levels.map(({ at }) => at)).toEqual(Array.from({ length: LEVELS_MAX }, (_, n) => min(n + 6)));
  });
});

describe("an onset", () => {
  it.each([
    { name: "earlier than was known is put right", onset: 3, was: 5, is: "began_earlier@3" },
    { name: "as it was known is left", onset: 5, was: 5, is: "" },
    { name: "later than was known is left", onset: 6, was: 5, is: "" },
  ])("$name", ({ onset, was, is }) =>
    expect(told(fromEarlierOnset(incidentOf(5), { onset: min(onset), at: min(onset), was: min(was) }))).toBe(is),
  );
});
