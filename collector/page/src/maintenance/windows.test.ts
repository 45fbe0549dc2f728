import { describe, expect, it } from "vitest";
import type { MaintenanceWindow } from "../api/types.ts";
import { type Day, daysText, endLabel, inOrder, whenText, whereText } from "./windows.ts";

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
  const at = (day: Day, from = "03:00", to = "04:00") => ({ day, from, to });

  it.each([
    { name: "once", window: WINDOW, text: "1000 – 2000" },
    { name: "weekly", window: WEEKLY, text: "every Sunday 03:00–04:00, store time" },
    {
      name: "weekly by one clock",
      window: { ...WEEKLY, timeZone: "UTC" },
      text: "every Sunday 03:00–04:00, UTC time",
    },
    {
      name: "over midnight",
      window: { ...WEEKLY, weekly: [at("fri", "22:00", "01:00")] },
      text: "every Friday 22:00–01:00 the next day, store time",
    },
    {
      name: "at hours of their own",
      window: { ...WEEKLY, weekly: [at("mon"), at("tue"), at("wed"), at("sun", "05:00", "06:00")] },
      text: "every Monday to Wednesday 03:00–04:00; every Sunday 05:00–06:00, store time",
    },
  ])("says when: $name", ({ window, text }) => expect(whenText(window, String)).toBe(text));

  it.each([
    { days: ["sun", "sat"], text: "Saturday and Sunday" },
    { days: ["mon", "wed", "fri"], text: "Monday, Wednesday and Friday" },
    { days: ["mon", "tue", "wed", "thu", "fri"], text: "Monday to Friday" },
    { days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], text: "day" },
  ] as const)("every $text", ({ days, text }) => expect(daysText(days)).toBe(text));

  it.each([
    { window: WINDOW, label: "End now" },
    { window: { ...WINDOW, state: "planned" as const }, label: "Drop" },
    { window: WEEKLY, label: "Remove" },
  ])("$label", ({ window, label }) => expect(endLabel(window)).toBe(label));

  it("says where", () => {
    expect(whereText(WINDOW)).toBe("everything");
    expect(whereText({ where: { ...WINDOW.where, kind: ["ups"] } })).toBe("all sites · UPS");
    const where = { site: ["s1", "s2"], device: null, kind: ["pos_terminal"], labels: { zone: ["dock"] } };
    expect(whereText({ ...WINDOW, where })).toBe("s1, s2 · POS terminal · zone dock");
  });

  it("that runs stands first, one that is over last", () => {
    const all = (["over", "planned", "running"] as const).map((state) => ({ ...WINDOW, id: state, state }));
    expect(inOrder(all).map(({ id }) => id)).toEqual(["running", "planned", "over"]);
  });
});
