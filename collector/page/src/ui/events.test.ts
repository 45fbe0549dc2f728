import { expect, it } from "vitest";
import type { DeviceEvent } from "../api/types.ts";
import { around, eventLines } from "./events.ts";

const event = (at: number, change: Partial<DeviceEvent> = {}): DeviceEvent => ({
  at,
  device: "back-office/ups",
  component: null,
  code: "on_battery",
  meaning: "Mains lost",
  detail: "upsTrapOnBattery",
  ...change,
});

it("keeps the order, and folds what came again with nothing between, under its newest time", () => {
  const other = { code: "trap", meaning: null, detail: "1.3.6.1.4.1.9.9" };
  const lines = eventLines([event(9), event(8), event(7, other), event(6), event(5, { component: "outlet-4" })]);
  expect(lines.map(({ event: { at }, times }) => [at, times])).toEqual([
    [9, 2],
    [7, 1],
    [6, 1],
    [5, 1],
  ]);
  expect(eventLines([])).toEqual([]);
});

it.each([
  { change: {}, words: "Mains lost", isOver: false },
  { change: { code: "on_battery_cleared", meaning: "Over: Mains lost" }, words: "Over: Mains lost", isOver: true },
  { change: { code: "trap", meaning: null }, words: "Trap", isOver: false },
  { change: { code: "ups_test_started", meaning: null }, words: "UPS test started", isOver: false },
])("calls $change.code “$words”", ({ change, words, isOver }) => {
  expect(eventLines([event(1, change)])).toMatchObject([{ words, isOver }]);
});

it.each([
  {
    code: "verdict",
    detail: "media_out: said by alert table (“Load: tray 1”); not by trays",
    want: { words: "Media out", detail: "said by alert table (“Load: tray 1”); not by trays", isOver: false },
  },
  {
    code: "verdict_cleared",
    detail: "media_out: said by nobody any more; it was error bits",
    want: { words: "Over: Media out", detail: "said by nobody any more; it was error bits", isOver: true },
  },
  { code: "verdict", detail: "of a later version", want: { words: "Verdict", detail: "of a later version" } },
])("reads whose word a state is: $detail", ({ code, detail, want }) => {
  expect(eventLines([event(1, { code, meaning: null, detail })])).toMatchObject([want]);
});

it("takes what was told half an hour around an onset", () => {
  const minutes = [100, 90, 61, 60, 30, 29, 0];
  const told = minutes.map((minute) => event(minute * 60_000));
  expect(around(told, 60 * 60_000).map(({ at }) => at / 60_000)).toEqual([90, 61, 60, 30]);
});
