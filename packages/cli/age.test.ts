import { expect, it } from "vitest";
import { formatAge } from "./age.ts";

it.each([
  [0, "now"],
  [999, "now"],
  [1_000, "1 s"],
  [61_000, "1 min 1 s"],
  [7_200_000, "2 h"],
  [7_500_000, "2 h 5 min"],
  [90_000_000_0, "10 d 10 h"],
])("%d ms is %s", (ms, text) => expect(formatAge(ms)).toBe(text));
