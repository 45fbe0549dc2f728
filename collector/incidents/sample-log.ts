/** Logs of incidents for tests: steps by the minute, of one incident that was opened on a Friday morning in Berlin. */
import type { OpenSpan, Weekday } from "@aislewatch/rules";
import type { SiteHours } from "./sla-policy.ts";
import type { HeldFor, IncidentEvent, IncidentEventBody, Priority, ResolutionCode } from "./types.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
/** A Friday in Berlin; the site of most cases is open around the clock. */
export const T0 = Date.parse("2026-11-20T10:00+01:00");
export const min = (minutes: number): number => T0 + minutes * MINUTE_MS;

export const site = (timeZone: string, spansOf: ((day: Weekday) => readonly OpenSpan[]) | null): SiteHours => ({
  timeZone,
  hours:
    spansOf === null
      ? null
      : {
          mon: spansOf("mon"),
          tue: spansOf("tue"),
          wed: spansOf("wed"),
          thu: spansOf("thu"),
          fri: spansOf("fri"),
          sat: spansOf("sat"),
          sun: spansOf("sun"),
        },
  closedDays: [],
  calendars: new Map(),
});
export const always = site("Europe/Berlin", null);
export const shop = site("Europe/Berlin", (day) => (day === "sun" ? [] : [{ from: 480, to: 1_200 }]));

export type Step = readonly [minute: number, body: IncidentEventBody, options?: { recorded?: number; late?: true }];

type Opened = Extract<IncidentEventBody, { type: "opened" }>;
export const opened = (priority: Priority, more: Partial<Opened> = {}): Opened => ({
  type: "opened",
  subject: { site: "berlin-01", device: "lane-1/printer", component: null },
  rule: "media-out",
  ruleVersion: "1",
  title: "Out of paper",
  severity: "major",
  category: "consumable",
  runbook: null,
  onset: T0,
  values: {},
  priority,
  why: "lane: 0 of 1 work",
  suppressedBy: null,
  ...more,
});

export const log = (steps: readonly Step[]): IncidentEvent[] =>
  steps.map(([minute, body, { recorded = minute, late } = {}], index) => ({
    seq: index + 1,
    at: min(minute),
    recordedAt: min(recorded),
    actor: "system",
    ...(late && { late }),
    ...body,
  }));

export const ack: IncidentEventBody = { type: "acknowledged" };
export const recovered: IncidentEventBody = { type: "recovered", values: {} };
export const firedAgain = (minute: number): IncidentEventBody => ({
  type: "fired_again",
  onset: min(minute),
  severity: "major",
  title: "Out of paper",
  values: {},
});
export const held = (reason: HeldFor): IncidentEventBody => ({
  type: "held",
  reason,
  text: null,
});
export const resumed: IncidentEventBody = { type: "resumed" };
export const resolved = (code: ResolutionCode): IncidentEventBody => ({
  type: "resolved",
  code,
  text: null,
});
export const reopened: IncidentEventBody = { type: "reopened", why: "It is not." };
export const priority = (to: Priority): IncidentEventBody => ({ type: "priority_changed", priority: to, why: "lanes" });
