import { expect, it } from "vitest";
import { readTicked, toggleStep, writeTicked } from "./steps.ts";

it("ticks and unticks, and comes back from storage as it was", () => {
  const once = toggleStep(toggleStep(new Map(), "INC-1", "Look"), "INC-1", "Load");
  expect(readTicked(writeTicked(once))).toEqual(new Map([["INC-1", ["Look", "Load"]]]));
  const none = toggleStep(toggleStep(once, "INC-1", "Look"), "INC-1", "Load");
  expect(none.size).toBe(0);
});

it("forgets the incident touched longest ago beyond the bound", () => {
  let ticked = toggleStep(new Map(), "INC-old", "Look");
  for (let index = 0; index < 200; index += 1) ticked = toggleStep(ticked, `INC-${index}`, "Look");
  const kept = readTicked(writeTicked(ticked));
  expect(kept.size).toBe(200);
  expect(kept.has("INC-old")).toBe(false);
});

it.each([null, "", "{", "{}", "[1]", '[["a"]]', '[[1,["x"]]]', "null"])("takes %j in storage for nothing", (stored) => {
  expect(readTicked(stored).size).toBe(0);
});
