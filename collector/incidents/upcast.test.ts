import { expect, it } from "vitest";
import { append, UNSAID } from "./log.ts";
import { type StoredEvent, type StoredIncident, upcastEvent, upcastIncident } from "./upcast.ts";

const event = { seq: 3, at: 5, recordedAt: 6, actor: "user:kim", type: "held" } as const;

it.each([
  {
    name: "words",
    reason: "the electrician comes at 3",
    now: { reason: "unlisted", text: "the electrician comes at 3" },
  },
  { name: "words that are in the list now", reason: "awaiting_part", now: { reason: "awaiting_part", text: null } },
])("reads a hold that gave its reason in $name", ({ reason, now }) => {
  const old: StoredEvent = { ...event, reason };
  expect(upcastEvent(old)).toEqual({ ...event, ...now });
});

it("leaves what is in today's words as it is", () => {
  const today: StoredEvent = { ...event, reason: "awaiting_vendor", text: "RMA 17" };
  expect(upcastEvent(today)).toBe(today);
  expect(upcastEvent({ ...event, type: "note", text: "x" })).toEqual({ ...event, type: "note", text: "x" });
});

it("gives the fold of an older version what was not said then", () => {
  const { incident } = append(
    "INC-000001",
    null,
    [
      {
        type: "opened",
        subject: { site: "s", device: "d", component: null },
        ...{ rule: "r", ruleVersion: "1", title: "t", severity: "major", category: "power", runbook: null },
        ...{ onset: 1, values: {}, priority: "P2", why: "w", suppressedBy: null },
      },
      { type: "acknowledged" },
      { type: "held", reason: "unlisted", text: "waits for a part" },
    ],
    { at: 1, recordedAt: 2, actor: "user:kim" },
  );
  const later = ["holdText", "group", "tier", "absorbed", "sla", "checked", "selfRecoveries", "review", "merged"];
  const old = Object.fromEntries(
    Object.entries({ ...incident, holdReason: "waits for a part" }).filter(([name]) => !later.includes(name)),
  ) as StoredIncident;
  const { holdText, ...rest } = upcastIncident(old);
  expect({ holdText, ...rest }).toEqual(incident);
  expect(upcastIncident(incident)).toEqual(incident);
  expect(upcastIncident({ ...old, holdReason: null }).holdReason).toBeNull();
  expect(Object.keys(UNSAID).every((name) => Object.hasOwn(rest, name) || name === "holdText")).toBe(true);
});
