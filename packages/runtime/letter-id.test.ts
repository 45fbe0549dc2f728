import { expect, it } from "vitest";
import { letterId } from "./letter-id.ts";

it("has 128 random bits and no digit", () => {
  const ids = Array.from({ length: 1_000 }, letterId);
  expect(ids.every((id) => /^[a-p]{32}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  for (let place = 0; place < 32; place++) expect(new Set(ids.map((id) => id[place])).size).toBe(16);
});
