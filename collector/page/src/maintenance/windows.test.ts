import { describe, expect, it } from "vitest";
import type { MaintenanceWindow } from "../api/types.ts";
import { inOrder, requestOf, whenText, whereText } from "./windows.ts";

const WINDOW: MaintenanceWindow = {
  id: "m-1",
  reason: "new switches",
  by: "user:kim",
  where: { site: null, device: null, kind: null, labels: {} },
  from: 1_000,
  to: 2_000,
  weekly: [],
  timeZone: null,
  state: "running",
};
const WEEKLY = { ...WINDOW, from: null, to: null, weekly: [{ day: "sun" as const, from: "03:00", to: "04:00" }] };

describe("a maintenance window", () => {
  it.each([
    { name: "once", window: WINDOW, text: "1000 – 2000" },
    { name: "weekly", window: WEEKLY, text: "Sun 03:00–04:00, by each site's clock" },
    {
      name: "weekly by one clock",
      window: { ...WEEKLY, timeZone: "UTC" },
      text: "Sun 03:00–04:00, by the clock of UTC",
    },
  ])("says when: $name", ({ window, text }) => expect(whenText(window, String)).toBe(text));

  it("says where", () => {
    expect(whereText(WINDOW)).toBe("everything");
    const where = { site: ["s1", "s2"], device: null, kind: ["pos_terminal"], labels: { zone: ["dock"] } };
    expect(whereText({ ...WINDOW, where })).toBe("s1, s2 · pos terminal · zone dock");
  });

  it("that runs stands first, one that is over last", () => {
    const all = (["over", "planned", "running"] as const).map((state) => ({ ...WINDOW, id: state, state }));
    expect(inOrder(all).map(({ id }) => id)).toEqual(["running", "planned", "over"]);
  });

  it.each([
    { name: "no reason", asked: { reason: " ", site: "s1", device: "", hours: 1 } },
    { name: "no site", asked: { reason: "x", site: "", device: "", hours: 1 } },
    { name: "no time", asked: { reason: "x", site: "s1", device: "", hours: Number.NaN } },
  ])("is not asked for with $name", ({ asked }) => expect(requestOf(asked, 0)).toBeNull());

  it("is asked for from now on", () => {
    expect(requestOf({ reason: " swap ", site: "s1", device: "switch-1", hours: 0.5 }, 1_000)).toEqual({
      reason: "swap",
      where: { site: ["s1"], device: ["switch-1"] },
      from: 1_000,
      to: 1_801_000,
    });
  });
});
