import { expect, it } from "vitest";
import { alignedTable } from "./table.ts";

it("lines columns up by their widest cell, and numbers at their right edge", () => {
  const table = alignedTable(
    [
      ["METRIC", "VALUE"],
      ["up", "yes"],
      ["battery_charge_percent", "9"],
    ],
    [1],
  );
  expect(table.split("\n")).toEqual([
    "METRIC                  VALUE",
    "up                        yes",
    "battery_charge_percent      9",
    "",
  ]);
});
