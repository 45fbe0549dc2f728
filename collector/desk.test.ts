import { ManualClock } from "@aislewatch/base";
import { beforeEach, describe, expect, it } from "vitest";
import { createDesk, type Desk } from "./desk.ts";
import { createIncidentBook, type IncidentBook } from "./incident-book.ts";
import { DEFAULT_LIFECYCLE } from "./incidents/lifecycle.ts";
import type { Priority } from "./incidents/types.ts";
import type { StateStore } from "./store/state/store.ts";

const KEY = "s1|printer||media-out";
const MINUTE = 60_000;
let number = 0;
/** A store in which nothing is. */
const empty = {
  nextIncidentNumber: () => ++number,
  incident: () => null,
  incidentsOfKey: () => [],
  openIncidents: () => [],
};

describe("the desk", () => {
  let clock: ManualClock;
  let book: IncidentBook;
  let desk: Desk;
  let isOpen = true;
  let found: Priority = "P2";
  beforeEach(() => {
    clock = new ManualClock(1_000_000);
    book = createIncidentBook({ clock, state: empty as unknown as StateStore });
    isOpen = true;
    found = "P2";
    desk = createDesk({
      ...{ clock, book, rules: () => new Map(), lifecycle: () => DEFAULT_LIFECYCLE, isOpenAt: () => isOpen },
      assess: () => ({ priority: found, why: "as found" }),
    });
    book.write(
      KEY,
      null,
      [
        {
          type: "opened",
          subject: { site: "s1", device: "printer", component: null },
          ...{ rule: "media-out", ruleVersion: "1", title: "Media out", severity: "major", category: "consumable" },
          ...{ runbook: null, onset: clock.now(), values: {}, priority: "P2", why: "1 of 2", suppressedBy: null },
        },
      ],
      { at: clock.now(), actor: "system" },
    );
  });
  const now = () => {
    const incident = book.ofKey(KEY);
    if (incident === null) throw new Error("no incident");
    return incident;
  };
  const write = (...bodies: Parameters<IncidentBook["write"]>[2]) =>
    book.write(KEY, now(), bodies, { at: clock.now(), actor: "user:kim" });
  /** Lets time pass, with a tick each second; how many ticks found something. */
  const pass = (ms: number): number => {
    let moved = 0;
    for (let at = 0; at < ms; at += 1_000) {
      clock.advance(1_000);
      if (desk.tick()) moved++;
    }
    return moved;
  };

  it("ends an acknowledgement once, when it runs out", () => {
    write({ type: "acknowledged" });
    expect(pass(29 * MINUTE)).toBe(0);
    expect(pass(2 * MINUTE)).toBe(1);
    expect(now()).toMatchObject({ state: "new", ackExpired: { why: "timeout", by: "user:kim" } });
    expect(pass(60 * MINUTE)).toBe(0);
  });

  it("ends it at the next tick when another incident hangs below, later than one could expect", () => {
    write({ type: "acknowledged" }, { type: "child_added", incident: "INC-000008" });
    expect(pass(3 * MINUTE)).toBe(0);
    book.write(KEY, now(), [{ type: "child_added", incident: "INC-000009" }], { at: clock.now(), actor: "system" });
    expect(pass(1_000)).toBe(1);
    expect(now()).toMatchObject({ state: "new", children: 2, ackExpired: { why: "scope" } });
  });

  it("leaves it when what hangs below stood before, and hung below something else meanwhile", () => {
    const other = book.write(
      "s1|scanner||no-answer",
      null,
      [
        {
          type: "opened",
          subject: { site: "s1", device: "scanner", component: null },
          ...{ rule: "no-answer", ruleVersion: "1", title: "No answer", severity: "major", category: "network" },
          ...{ runbook: null, onset: clock.now(), values: {}, priority: "P3", why: "1 of 2", suppressedBy: null },
        },
      ],
      { at: clock.now(), actor: "system" },
    );
    clock.advance(3 * MINUTE);
    write({ type: "acknowledged" });
    const below = { type: "child_added", incident: other.id } as const;
    book.write(KEY, now(), [below], { at: clock.now() + 1, actor: "system" });
    expect(pass(2_000)).toBe(0);
    // It is over, and comes back: that is more than was acknowledged.
    const key = "s1|scanner||no-answer";
    const bodies = [{ type: "recovered", values: {} } as const];
    const cured = book.write(key, book.ofKey(key), bodies, { at: clock.now(), actor: "system" });
    const again = {
      type: "fired_again",
      onset: clock.now(),
      severity: "major",
      title: "No answer",
      values: {},
    } as const;
    book.write(key, cured, [again], { at: clock.now(), actor: "system" });
    book.write(KEY, now(), [below], { at: clock.now(), actor: "system" });
    expect(pass(1_000)).toBe(1);
    expect(now()).toMatchObject({ state: "new", ackExpired: { why: "scope" } });
  });

  it("leaves it when what hangs below was found afterwards, and when somebody works on it", () => {
    const below = { type: "child_added", incident: "INC-000009" } as const;
    clock.advance(3 * MINUTE);
    write({ type: "acknowledged" });
    book.write(KEY, now(), [below], { at: clock.now(), actor: "system", late: true });
    expect(pass(1_000)).toBe(0);
    write({ type: "started" }, below);
    expect(pass(1_000)).toBe(0);
    expect(now().state).toBe("in_progress");
  });

  it("finds priorities again when the site opens or closes, and only then", () => {
    pass(2 * MINUTE);
    found = "P4";
    expect(pass(5 * MINUTE)).toBe(0);
    isOpen = false;
    expect(pass(2 * MINUTE)).toBe(1);
    expect(now()).toMatchObject({ priority: "P4", priorityWhy: "as found" });
    expect(pass(5 * MINUTE)).toBe(0);
  });

  it("or when hours or policies were edited; what a person set stays", () => {
    pass(2 * MINUTE);
    found = "P1";
    desk.reconsider();
    expect(pass(1_000)).toBe(1);
    write({ type: "restated", what: "priority", priority: "P5", why: "not in use" });
    desk.reconsider();
    expect(pass(2 * MINUTE)).toBe(0);
    expect(now().priority).toBe("P5");
  });

  it("leaves alone what is not heard of, what calls nobody, and what is over", () => {
    pass(2 * MINUTE);
    found = "P4";
    isOpen = false;
    write({ type: "stale" });
    expect(pass(2 * MINUTE)).toBe(0);
    write({ type: "fresh" }, { type: "suppressed", by: "s1/switch" });
    desk.reconsider();
    expect(pass(2 * MINUTE)).toBe(0);
    write({ type: "unsuppressed" }, { type: "recovered", values: {} });
    desk.reconsider();
    expect(pass(2 * MINUTE)).toBe(0);
    expect(now().priority).toBe("P2");
  });
});
