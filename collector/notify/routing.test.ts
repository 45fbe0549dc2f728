import { describe, expect, it } from "vitest";
import { append } from "../incidents/log.ts";
import type { Incident, IncidentEventBody } from "../incidents/types.ts";
import { audienceOf, callsOf, channelsFor, NO_NOTIFICATIONS, type Route, type RouteSelect } from "./routing.ts";

const T0 = 1_700_000_000_000;
const OPENED: Extract<IncidentEventBody, { type: "opened" }> = {
  type: "opened",
  subject: { site: "store-1", device: "lane-3/label-printer", component: null },
  rule: "media-out",
  ruleVersion: "a1",
  title: "Media out",
  severity: "major",
  category: "consumable",
  runbook: null,
  onset: T0,
  values: {},
  priority: "P2",
  why: "one of two",
  suppressedBy: null,
};

/** What is told of the last of these writings. */
function calls(...writings: readonly (readonly IncidentEventBody[])[]) {
  let before: Incident | null = null;
  let told: ReturnType<typeof callsOf> = [];
  for (const bodies of writings) {
    const { incident, events } = append("INC-000001", before, bodies, { at: T0, actor: "system", recordedAt: T0 });
    told = callsOf(before, incident, events);
    before = incident;
  }
  return told.map(({ event, audience }) => `${event} ${audience}`);
}

const opened = [OPENED];
const suppressed = [{ ...OPENED, suppressedBy: "switch-1" }];
const recovered = [{ type: "recovered", values: {} }] as const;
const again = [{ type: "fired_again", onset: T0, severity: "major", title: "Media out", values: {} }] as const;
const resolved = [{ type: "resolved", code: "cleaned", text: "wiped" }] as const;

describe("callsOf", () => {
  it.each([
    { name: "a new incident", log: [opened], told: ["opened untold"] },
    { name: "one behind a dead switch", log: [suppressed], told: [] },
    { name: "one whose switch is back", log: [suppressed, [{ type: "unsuppressed" }]], told: ["opened untold"] },
    { name: "one in maintenance", log: [[{ ...OPENED, maintenance: "m1" }]], told: [] },
    {
      name: "one that stands after maintenance",
      log: [[{ ...OPENED, maintenance: "m1" }], [{ type: "maintenance", window: null }]],
      told: ["opened untold"],
    },
    { name: "one outside its rule's hours", log: [[{ ...OPENED, inactiveHours: true }]], told: [] },
    {
      name: "one whose hours begin",
      log: [[{ ...OPENED, inactiveHours: true }], [{ type: "hours", active: true }]],
      told: ["opened untold"],
    },
    { name: "one that was found afterwards", log: [[{ ...OPENED, retroactive: true }]], told: [] },
    {
      name: "one that became a consequence",
      log: [opened, [{ type: "parent_set", incident: "INC-2", why: "x" }]],
      told: [],
    },
    {
      name: "one that got urgent",
      log: [opened, [{ type: "priority_changed", priority: "P1", why: "the last one" }]],
      told: ["opened untold"],
    },
    { name: "a recovery", log: [opened, recovered], told: ["recovered told"] },
    { name: "a recovery while it is quiet", log: [suppressed, recovered], told: ["recovered told"] },
    { name: "one that came back", log: [opened, recovered, again], told: ["reopened all"] },
    { name: "one that fires on", log: [opened, again], told: [] },
    {
      name: "one that came back in maintenance",
      log: [opened, recovered, [{ ...again[0], maintenance: "m1" }]],
      told: [],
    },
    { name: "a resolution", log: [opened, resolved], told: ["resolved told"] },
    {
      name: "a cancellation",
      log: [opened, [{ type: "cancelled", code: "test", text: null }]],
      told: ["cancelled told"],
    },
    { name: "work on it", log: [opened, [{ type: "acknowledged" }, { type: "note", text: "on my way" }]], told: [] },
    {
      name: "a clock that warns",
      log: [opened, [{ type: "sla_warned", clock: "restore", percent: 75 }]],
      told: ["sla_warned all"],
    },
    {
      name: "a clock that ran out",
      log: [opened, [{ type: "sla_breached", clock: "restore", dueAt: T0 }]],
      told: ["sla_breached all"],
    },
    {
      name: "a clock that ran out behind a dead switch",
      log: [suppressed, [{ type: "sla_breached", clock: "restore", dueAt: T0 }]],
      told: [],
    },
  ] as const satisfies { name: string; log: readonly (readonly IncidentEventBody[])[]; told: readonly string[] }[])(
    "$name: $told",
    ({ log, told }) => expect(calls(...log)).toEqual(told),
  );
});

describe("channelsFor", () => {
  const { incident } = append("INC-000001", null, opened, { at: T0, actor: "system", recordedAt: T0 });
  const site = { id: "store-1", format: "store", region: "east", labels: { brand: "north" } };
  const policyOf = (...routes: Route[]) => ({ ...NO_NOTIFICATIONS, routes });
  const find = (where: RouteSelect) =>
    channelsFor(policyOf({ where, on: ["opened"], to: ["a"] }), { incident, kind: "label_printer", site }, "opened");

  it.each([
    { name: "everything", where: {}, fits: true },
    { name: "its priority, of several", where: { priority: ["P1", "P2"] }, fits: true },
    { name: "another priority", where: { priority: ["P1"] }, fits: false },
    { name: "its severity", where: { severity: ["major"] }, fits: true },
    { name: "its kind and another site", where: { kind: ["label_printer"], site: ["store-2"] }, fits: false },
    { name: "its region and label", where: { region: ["east"], labels: { brand: ["north"] } }, fits: true },
    { name: "a label that its site has not", where: { labels: { owner: ["x"] } }, fits: false },
  ] as const satisfies { name: string; where: RouteSelect; fits: boolean }[])("$name: $fits", ({ where, fits }) =>
    expect(find(where)).toEqual(fits ? ["a"] : []),
  );

  it("names a channel of several routes once, and only for their events", () => {
    const policy = policyOf(
      { where: {}, on: ["opened", "resolved"], to: ["a", "b"] },
      { where: {}, on: ["opened"], to: ["b", "c"] },
      { where: {}, on: ["recovered"], to: ["d"] },
    );
    expect(channelsFor(policy, { incident, kind: null, site }, "opened")).toEqual(["a", "b", "c"]);
  });
});

describe("audienceOf", () => {
  const told = (...events: string[]) => events.map((event) => ({ channel: "a", event }));
  it.each([
    { name: "an onset to who knows nothing", was: [], audience: "untold", gets: ["a"] },
    { name: "no second onset", was: told("opened"), audience: "untold", gets: [] },
    { name: "an onset after the last was over", was: told("opened", "recovered"), audience: "untold", gets: ["a"] },
    { name: "no recovery to who knows of no onset", was: [], audience: "told", gets: [] },
    { name: "a recovery to who was told", was: told("escalated"), audience: "told", gets: ["a"] },
    { name: "a resolution after the recovery", was: told("opened", "recovered"), audience: "told", gets: ["a"] },
    { name: "nothing of another's onset", was: [{ channel: "b", event: "opened" }], audience: "told", gets: [] },
    { name: "a breach to all", was: [], audience: "all", gets: ["a"] },
  ] as const)("$name", ({ was, audience, gets }) => expect(audienceOf(["a"], was, audience)).toEqual(gets));
});
