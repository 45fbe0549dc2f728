import { expect, it } from "vitest";
import { createIncidentCounts } from "./incident-counts.ts";
import { append } from "./incidents/log.ts";
import type { Incident, IncidentEventBody } from "./incidents/types.ts";
import { opened, T0 } from "./notify/sample-notifications.ts";

it("counts what is written, once, by what it was then", () => {
  const { figures, observe } = createIncidentCounts();
  let incident: Incident | null = null;
  const write = (...bodies: IncidentEventBody[]): void => {
    const written = append("INC-000001", incident, bodies, { at: T0, actor: "system", recordedAt: T0 });
    incident = written.incident;
    observe(written);
  };
  write(opened());
  write({ type: "sla_warned", clock: "response", percent: 75 }, { type: "sla_warned", clock: "response", percent: 90 });
  write({ type: "sla_breached", clock: "restore", dueAt: T0 }, { type: "priority_changed", priority: "P1", why: "x" });
  write({
    ...{ type: "escalated", kind: "functional", tier: 2, step: 0, policy: "p", by: "timer" },
    why: "x",
  } as const);
  write({ type: "resolved", code: "cleaned", text: null });
  const told = Object.entries(figures).map(([name, counts]: [string, ReadonlyMap<unknown, number>]) => [
    name,
    [...counts].filter(([, count]) => count > 0),
  ]);
  expect(Object.fromEntries(told)).toEqual({
    ...{ opened: [["P2", 1]], resolved: [["P1", 1]], escalated: [[2, 1]] },
    ...{ warned: [["response", 2]], breached: [["restore", 1]] },
  });
  expect([...figures.opened.keys(), ...figures.escalated.keys()]).toEqual([
    "P1",
    "P2",
    "P3",
    "P4",
    "P5",
    0,
    1,
    2,
    3,
    4,
  ]);
});
