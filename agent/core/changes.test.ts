import type { Reading } from "@aislewatch/contract";
import { expect, it } from "vitest";
import { StateChanges } from "./changes.ts";

const reading = (metrics: Record<string, number | boolean>, over: Partial<Reading> = {}): Reading => ({
  device: "a",
  at: 1,
  samples: [
    { component: null, metrics },
    { component: "tray-1", metrics: { tray_remaining_percent: 50 } },
  ],
  ...over,
});

it("sees turned booleans, failures and events, and no drifting numbers", () => {
  const changes = new StateChanges();
  const steps: [Reading, boolean][] = [
    [reading({ up: true, load_1m: 1 }), true],
    [reading({ up: true, load_1m: 2 }), false],
    [reading({ up: false }, { failure: { kind: "timeout", detail: "" } }), true],
    [reading({ up: false }, { failure: { kind: "timeout", detail: "other words" } }), false],
    [reading({ up: false }, { failure: { kind: "refused", detail: "" } }), true],
    [reading({ up: true }), true],
    [reading({ up: true }, { events: [{ component: null, code: "jam", detail: "" }] }), true],
    [reading({ up: true }), false],
    [reading({ up: true }, { device: "b" }), true],
  ];
  expect(steps.map(([step]) => changes.see(step))).toEqual(steps.map(([, changed]) => changed));
});
