import type { Rule, Transition } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";
import { decideAction, type IncidentAction } from "./decide.ts";
import { type FactsContext, factsOf } from "./figure-facts.ts";
import type { IncidentFacts } from "./figures.ts";
import { DEFAULT_LIFECYCLE } from "./lifecycle.ts";
import { append } from "./log.ts";
import { always, HOUR_MS, MINUTE_MS, min, shop, site, T0 } from "./sample-log.ts";
import { MEDIA_OUT } from "./sample-rule.ts";
import { DEFAULT_SLA_POLICY, type SlaTerms } from "./sla-policy.ts";
import { dueCloses, fromTransition } from "./transition.ts";
import type { Incident, IncidentEvent, IncidentEventBody } from "./types.ts";

const { standard: shipped } = DEFAULT_SLA_POLICY;
const penal: SlaTerms = {
  ...shipped,
  contract: "gold",
  penalties: {
    currency: "EUR",
    cap: null,
    clocks: {
      response: { perBreach: 10, perHour: 0 },
      restore: { perBreach: 100, perHour: 25.5 },
      vendor: { perBreach: 0, perHour: 0 },
    },
  },
};

const rule: Rule = { ...MEDIA_OUT, runbook: null };

type Happens =
  | { readonly fires: Partial<Transition> }
  | { readonly clears: true }
  | { readonly does: IncidentAction }
  | { readonly told: IncidentEventBody }
  | { readonly waits: true };
/** In minutes after T0. */
type Life = readonly (readonly [minute: number, happens: Happens])[];

const fires = (more: Partial<Transition> = {}): Happens => ({ fires: more });
const clears: Happens = { clears: true };
const does = (action: IncidentAction): Happens => ({ does: action });

/** The log that the deciders write of a life. */
function lived(life: Life): IncidentEvent[] {
  const log: IncidentEvent[] = [];
  let incident: Incident | null = null;
  const priority = { priority: "P2" as const, why: "1 of 2 work" };
  for (const [minute, happens] of life) {
    const at = min(minute);
    const actor = "does" in happens ? "user:kim" : "system";
    const transition = (to: "firing" | "inactive", more: Partial<Transition>): Transition => ({
      ...{ rule: rule.id, ruleVersion: "a1", at, to, since: at, values: {}, title: "Label media out" },
      subject: { site: "berlin-01", device: "receiving/printer", component: null },
      from: to === "firing" ? "inactive" : "firing",
      severity: to === "firing" ? "major" : null,
      flags: { stale: false, suppressedBy: null },
      reason: to === "firing" ? "condition" : "clear",
      ...more,
    });
    const bodies: readonly IncidentEventBody[] = (() => {
      if ("fires" in happens || "clears" in happens) {
        const change = "fires" in happens ? transition("firing", happens.fires) : transition("inactive", {});
        const { events, open } = fromTransition(incident, change, rule, { priority });
        return open === null ? events : [open];
      }
      if ("told" in happens) return [happens.told];
      if (incident === null) throw new Error("nothing to act on");
      if ("waits" in happens) {
        const rules = new Map([[rule.id, rule]]);
        const found = dueCloses([incident], { rules, lifecycle: DEFAULT_LIFECYCLE, find: () => null }, at);
        return found.flatMap(({ events }) => events);
      }
      const stillFiring = incident.recoveredAt === null;
      const decided = decideAction(incident, happens.does, { actor, nowMs: at, stillFiring, priority });
      if (!decided.ok) throw new Error(decided.error.message);
      return decided.value;
    })();
    if (bodies.length === 0) continue;
    const next: ReturnType<typeof append> = append("INC-000001", incident, bodies, { at, recordedAt: at, actor });
    incident = next.incident;
    log.push(...next.events);
  }
  return log;
}

const context = (more: Partial<FactsContext> = {}): FactsContext => ({
  ...{ terms: shipped, site: always, nowMs: min(10_000), cameBackAt: null },
  device: { kind: "label_printer", vendor: "Zebra", model: "ZD421", serial: "S1" },
  ...more,
});
const factsAfter = (life: Life, more: Partial<FactsContext> = {}): IncidentFacts =>
  factsOf("INC-000001", lived(life), context(more));

const acknowledge = does({ action: "acknowledge" });
const start = does({ action: "start" });
const resume = does({ action: "resume" });
const hold = (reason: "awaiting_part" | "awaiting_change") => does({ action: "hold", reason, text: null });
const resolve = (code: "cleaned" | "false_positive" | "swapped", tier?: 1 | 2) =>
  does({ action: "resolve", code, text: "Done.", ...(tier !== undefined && { tier }) });

describe("the hardware in the facts of an incident", () => {
  const now = { vendor: "Zebra", model: "ZD421", serial: "S1" };
  it.each([
    { name: "is what stood there when it was opened", asset: { vendor: "SATO", model: "CL4", serial: "S9" } },
    { name: "is not mixed with what stands there now", asset: { serial: "S9" }, is: { vendor: null, model: null } },
    { name: "is what stands there now, where its log does not say", asset: undefined, is: now },
    { name: "is what stands there now, where its log can't tell them apart", asset: { vendor: "SATO" }, is: now },
  ])("$name", ({ asset, is }) => {
    const [first, ...rest] = lived([[0, fires()]]);
    if (first?.type !== "opened") throw new Error("an incident begins with opened");
    const log = [{ ...first, ...(asset !== undefined && { asset }) }, ...rest];
    expect(factsOf("INC-000001", log, context())).toMatchObject({ kind: "label_printer", ...asset, ...is });
  });
});

describe("the facts of an incident", () => {
  it.each<{ name: string; life: Life; is: Partial<IncidentFacts>; more?: Partial<FactsContext> }>([
    {
      name: "that nobody looked at yet: nothing is known of what did not happen",
      life: [[2, fires({ since: T0 })]],
      is: {
        ...{ outcome: "open", detectMs: 2 * MINUTE_MS, isCalled: true, isFailure: true },
        ...{ acknowledgeMs: null, restoreMs: null, resolveMs: null, resolveUnpausedMs: null, doneAt: null, code: null },
      },
    },
    {
      name: "of a repair: acknowledged, waited for a part, recovered, resolved",
      life: [
        [0, fires()],
        [4, acknowledge],
        [6, start],
        [10, hold("awaiting_part")],
        [40, resume],
        [50, clears],
        [60, resolve("cleaned")],
      ],
      is: {
        ...{ outcome: "resolved", code: "cleaned", isByPeople: true, isFirstLine: true, isReopened: false },
        acknowledgeMs: 4 * MINUTE_MS,
        restoreMs: 50 * MINUTE_MS,
        resolveMs: 60 * MINUTE_MS,
        resolveUnpausedMs: 30 * MINUTE_MS,
        ...{ restoredAt: min(50), doneAt: min(60), responseMet: 1, restoreMet: 1, restoreBreached: 0 },
      },
    },
    {
      name: "that came back as another one within a week: not solved in the first line",
      life: [
        [0, fires()],
        [60, resolve("cleaned")],
      ],
      is: { isByPeople: true, isFirstLine: false, isReopened: false },
      more: { cameBackAt: min(60) + 7 * 86_400_000 },
    },
    {
      name: "that came back as another one later",
      life: [
        [0, fires()],
        [60, resolve("cleaned")],
      ],
      is: { isFirstLine: true },
      more: { cameBackAt: min(60) + 7 * 86_400_000 + 1 },
    },
    {
      name: "that was a mistake of the rule: what it cost is known",
      life: [
        [0, fires()],
        [5, clears],
        [60, resolve("false_positive")],
      ],
      is: { isMistaken: true, isFailure: false, fires: 1, calls: 0, restoreMs: null, lifeMs: 5 * MINUTE_MS },
    },
    {
      name: "a hold for a reason that the contract does not list is no pause",
      life: [
        [0, fires()],
        [10, hold("awaiting_change")],
        [40, resume],
        [60, resolve("cleaned")],
      ],
      is: { resolveMs: HOUR_MS, resolveUnpausedMs: HOUR_MS },
      more: { terms: { ...shipped, pauses: { ...shipped.pauses, restore: ["awaiting_part"] } } },
    },
    {
      name: "a pause that is claimed afterwards is one",
      life: [
        [0, fires()],
        [30, acknowledge],
        [
          40,
          does({
            action: "claim_pause",
            from: min(10),
            to: min(25),
            reason: "awaiting_part",
            text: "The van was late.",
          }),
        ],
        [60, resolve("cleaned")],
      ],
      is: { resolveMs: HOUR_MS, resolveUnpausedMs: 45 * MINUTE_MS },
    },
    {
      name: "a fault that comes back: the time in which it worked is not time to restore",
      life: [
        [0, fires()],
        [10, clears],
        [20, fires()],
        [25, clears],
      ],
      is: { restoreMs: 15 * MINUTE_MS, restoredAt: min(25), outcome: "open", isCalled: true },
    },
    {
      name: "a field engineer was needed",
      life: [
        [0, fires()],
        [9, resolve("swapped", 2)],
      ],
      is: { isByPeople: true, isFirstLine: false, restoreMs: null },
    },
    {
      name: "reopened: not solved by whoever solved it first",
      life: [
        [0, fires()],
        [5, clears],
        [9, resolve("cleaned")],
        [20, does({ action: "reopen", why: "Not clean." })],
        [30, resolve("cleaned")],
      ],
      is: { isReopened: true, isFirstLine: false, isByPeople: true, resolveMs: 30 * MINUTE_MS },
    },
    {
      name: "reopened and not resolved since: open",
      life: [
        [0, fires()],
        [5, clears],
        [9, resolve("cleaned")],
        [20, does({ action: "reopen", why: "Not clean." })],
      ],
      is: { isReopened: true, outcome: "open", resolveMs: null, doneAt: null, isByPeople: false },
    },
    {
      name: "a mistake of the rule is no failure, and was not restored; people were called all the same",
      life: [
        [0, fires()],
        [3, acknowledge],
        [5, resolve("false_positive")],
      ],
      is: { isFailure: false, detectMs: null, restoreMs: null, acknowledgeMs: 3 * MINUTE_MS, isCalled: true },
    },
    {
      name: "cancelled: nothing but that",
      life: [
        [0, fires()],
        [30, acknowledge],
        [35, does({ action: "cancel", code: "test", text: "A drill." })],
      ],
      is: {
        ...{ outcome: "cancelled", code: "test", doneAt: min(35), isCalled: false, isFailure: false },
        ...{ acknowledgeMs: null, resolveMs: null, responseMet: 0, responseBreached: 0, penaltyCents: 0 },
      },
      more: { terms: penal },
    },
    {
      name: "merged: the other one has its clocks",
      life: [
        [0, fires()],
        [30, { told: { type: "merged", into: "INC-000009" } }],
      ],
      is: { outcome: "merged", doneAt: min(30), responseBreached: 0, isFailure: false },
    },
    {
      name: "behind a cause: a consequence, for which nobody is called",
      life: [[0, fires({ flags: { stale: false, suppressedBy: "agent:back-office" } })]],
      is: { isCalled: false, isFailure: false },
    },
    {
      name: "came and went with its cause: a consequence",
      life: [
        [0, fires({ flags: { stale: false, suppressedBy: "berlin-01/switch" } })],
        [30, { told: { type: "unsuppressed" } }],
        [31, clears],
      ],
      is: { isCalled: false, isFailure: false, restoreMs: null },
    },
    {
      name: "outlived its cause: a failure by itself",
      life: [
        [0, fires({ flags: { stale: false, suppressedBy: "berlin-01/switch" } })],
        [30, { told: { type: "unsuppressed" } }],
        [90, clears],
      ],
      is: { isCalled: true, isFailure: true, outcome: "open" },
    },
    {
      name: "called for because it outlives its cause, and over soon after: a failure by itself",
      life: [
        [0, fires({ flags: { stale: false, suppressedBy: "berlin-01/switch" } })],
        [0, { told: { type: "parent_set", incident: "INC-000001", why: "switch is down" } }],
        [30, { told: { type: "unsuppressed" } }],
        [31, { told: { type: "parent_set", incident: null, why: "INC-000001 recovered" } }],
        [32, clears],
      ],
      is: { isCalled: true, isFailure: true },
    },
    {
      name: "stood before its agent was away for a while: a failure by itself",
      life: [
        [0, fires()],
        [60, { told: { type: "suppressed", by: "agent:berlin-01/pc" } }],
        [63, { told: { type: "unsuppressed" } }],
        [64, clears],
      ],
      is: { isCalled: true, isFailure: true, restoreMs: 64 * MINUTE_MS },
    },
    {
      name: "late: breached, and what that costs",
      life: [
        [0, fires()],
        [20, acknowledge],
        [5 * 60 + 10, clears],
        [5 * 60 + 20, resolve("cleaned")],
      ],
      is: {
        ...{ responseMet: 0, responseBreached: 1, restoreMet: 0, restoreBreached: 1 },
        ...{ penaltyCents: 1_000 + 10_000 + 2 * 2_550, currency: "EUR" },
      },
      more: { terms: penal },
    },
    {
      name: "an onset that a person corrected",
      life: [
        [10, fires()],
        [30, does({ action: "correct_onset", onset: min(4), why: "The cashier saw it." })],
      ],
      is: { detectMs: 6 * MINUTE_MS },
    },
    {
      name: "found afterwards: nobody was called",
      life: [
        [
          0,
          {
            told: {
              ...{ type: "opened", rule: "media-out", ruleVersion: "a1", title: "Out", severity: "major" },
              ...{ category: "consumable", runbook: null, onset: T0, values: {}, priority: "P2", why: "-" },
              subject: { site: "berlin-01", device: "receiving/printer", component: null },
              ...{ suppressedBy: null, retroactive: true },
            },
          },
        ],
      ],
      is: { isCalled: false, isFailure: true, responseMet: 0, responseBreached: 0 },
    },
  ])("$name", ({ life, is, more }) => {
    expect(factsAfter(life, more)).toMatchObject(is);
  });

  it("a closed one is as it was when it was resolved", () => {
    const repair: Life = [
      [0, fires()],
      [4, acknowledge],
      [50, clears],
      [60, resolve("cleaned")],
    ];
    const closed: Life = [...repair, [9_000, { waits: true }]];
    expect(lived(closed).at(-1)?.type).toBe("closed");
    expect(factsAfter(closed)).toEqual(factsAfter(repair));
  });

  it("the calendar of the site counts, also when it is corrected afterwards", () => {
    // Opened on Friday at 10:00, the store closes at 20:00, and nobody came before Saturday.
    const life: Life = [
      [9 * 60 + 55, fires()],
      [22 * 60 + 5, acknowledge],
    ];
    expect(factsAfter(life, { site: shop })).toMatchObject({ responseMet: 1, responseBreached: 0 });
    expect(factsAfter(life, { site: always })).toMatchObject({ responseMet: 0, responseBreached: 1 });
  });

  it.each<{ at: string; zone: string; hour: number }>([
    { at: "2026-11-20T09:00Z", zone: "Europe/Berlin", hour: 4 * 24 + 10 },
    { at: "2026-11-20T09:00Z", zone: "Pacific/Auckland", hour: 4 * 24 + 22 },
    // Clocks are set back at 01:00 UTC: the hour from 02:00 comes twice.
    { at: "2026-10-25T00:30Z", zone: "Europe/Berlin", hour: 6 * 24 + 2 },
    { at: "2026-10-25T01:30Z", zone: "Europe/Berlin", hour: 6 * 24 + 2 },
    { at: "2026-10-25T02:30Z", zone: "Europe/Berlin", hour: 6 * 24 + 3 },
    // And forward: there is no hour from 02:00.
    { at: "2026-03-29T00:59Z", zone: "Europe/Berlin", hour: 6 * 24 + 1 },
    { at: "2026-03-29T01:00Z", zone: "Europe/Berlin", hour: 6 * 24 + 3 },
    { at: "2026-11-22T23:30Z", zone: "Asia/Kolkata", hour: 5 },
  ])("$at is hour $hour of the week in $zone", ({ at, zone, hour }) => {
    const minute = (Date.parse(at) - T0) / MINUTE_MS;
    expect(factsAfter([[minute, fires()]], { site: site(zone, null) }).hourOfWeek).toBe(hour);
  });
});
