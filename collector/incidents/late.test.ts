import type { Rule, Transition } from "@aislewatch/rules";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rulesOf } from "../sample-site.ts";
import {
  fromFound,
  fromSpell,
  type LateOutcome,
  LEVELS_MAX,
  reconcile,
  type Spell,
  STANDING,
  stepSpell,
  type Told,
} from "./late.ts";
import { DEFAULT_LIFECYCLE } from "./lifecycle.ts";
import { append } from "./log.ts";
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
const written = (events: LateOutcome["append"]): string =>
  events.map(({ at, body }) => `${body.type}@${(at - T0) / MINUTE}`).join(" ");
const both = ({ append: more, open }: LateOutcome): string[] => [written(more), written(open)];

describe("a spell that came and went", () => {
  const late = DEFAULT_LIFECYCLE.reopen.recoveredMs.P1 / MINUTE + 10;

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

/** As the live evaluator told it, in minutes. */
const toldOf = (...spells: readonly (readonly [number, number | null])[]): Told[] =>
  spells.map(([from, to]) => ({ onset: min(from), over: to === null ? null : min(to) }));

/** What all of it does to the log, one after the other. */
function outcome(incident: Incident | null, truth: readonly Spell[], told: readonly Told[]): string[] {
  let now = incident;
  return reconcile(truth, told).map((found) => {
    if (found.is === "spell") return both(fromSpell(now, found.spell, rule, context)).join("|");
    const events = now === null ? [] : fromFound(now, found);
    for (const { at, body } of events) if (now !== null) now = append(now.id, now, [body], stamp(at)).incident;
    return written(events);
  });
}

describe("what was told otherwise than it was", () => {
  const stood = (at: number): Spell => ({ ...STANDING, over: moves(at, "inactive", { since: min(1) }) });

  it.each([
    {
      name: "an end that was seen late is put right",
      incident: incidentOf(1, recovered(9)),
      truth: [stood(5)],
      told: toldOf([1, 9]),
      is: ["recovered_earlier@5"],
    },
    {
      name: "what stands as it was told is left",
      incident: incidentOf(1),
      truth: [STANDING],
      told: toldOf([1, null]),
      is: [],
    },
    {
      name: "what ended and came back, and stands",
      incident: incidentOf(1),
      truth: [stood(5), spell(6, null)],
      told: toldOf([1, null]),
      is: ["recovered@5 fired_again@6"],
    },
    {
      name: "what came back and went while it was told as one",
      incident: incidentOf(1, recovered(9)),
      truth: [stood(5), spell(6, 7)],
      told: toldOf([1, 9]),
      is: ["recovered_earlier@5", "fired_again@6 recovered@7|"],
    },
    {
      name: "an onset that was not known is put right, and the end with it",
      incident: incidentOf(5, recovered(9)),
      truth: [spell(3, 8)],
      told: toldOf([5, 9]),
      is: ["began_earlier@3", "recovered_earlier@8"],
    },
    {
      name: "an end that nobody saw",
      incident: incidentOf(5),
      truth: [spell(5, 8)],
      told: toldOf([5, null]),
      is: ["recovered@8"],
    },
    {
      name: "what was told as it was is left, and so is what was told and was not so",
      incident: incidentOf(20, recovered(21)),
      truth: [spell(20, 21)],
      told: toldOf([10, 11], [20, 21]),
      is: [],
    },
    {
      name: "an incident that has gone on since is left at its end, and the rest told beside it",
      incident: incidentOf(1, recovered(5), {
        at: 9,
        body: { type: "fired_again", onset: min(9), severity: "major", title: "Out", values: {} },
      }),
      truth: [stood(4), spell(6, 7), spell(9, null)],
      told: toldOf([1, 5], [9, null]),
      is: ["recovered_earlier@4", "|opened@6 recovered@7 resolved@7 closed@7"],
    },
    {
      name: "what people have closed meanwhile is told in incidents of its own",
      incident: incidentOf(1, recovered(5), { at: 6, body: { type: "closed" } }),
      truth: [stood(5), spell(6, 7)],
      told: toldOf([1, 9]),
      is: ["", "|opened@6 recovered@7 resolved@7"],
    },
    { name: "what never was an incident", incident: null, truth: [spell(3, 8)], told: toldOf([5, 9]), is: ["", ""] },
  ])("$name", ({ incident, truth, told: asTold, is }) => expect(outcome(incident, truth, asTold)).toEqual(is));

  const spells = fc
    .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 12 })
    .map((times) => times.sort((a, b) => a - b));
  const pairs = (times: readonly number[]): (readonly [number, number | null])[] =>
    times.flatMap((from, i) => (i % 2 === 0 ? [[from, times[i + 1] ?? null] as const] : []));

  it("needs nothing written when all was told as it was", () => {
    fc.assert(
      fc.property(spells, (times) => {
        const truth = pairs(times).map(([from, to]) => spell(from, to));
        expect(reconcile(truth, toldOf(...pairs(times)))).toEqual([]);
      }),
    );
  });

  it("tells each whole spell that nobody was told of, once and in order", () => {
    fc.assert(
      fc.property(spells, (times) => {
        const truth = pairs(times).map(([from, to]) => spell(from, to));
        const found = reconcile(truth, []).map((each) => (each.is === "spell" ? each.spell : null));
        expect(found).toEqual(truth.filter(({ over }) => over !== null));
      }),
    );
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
