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

it("lets nobody's words steer the terminal, or make lines of their own", () => {
  const table = alignedTable([
    ["WHO", "WHAT"],
    ["cli", "a\u001b[2J\u0000b\r\n\u202ec\u009b1m"],
  ]);
  expect(table).toBe("WHO  WHAT\ncli  a [2J b c 1m\n");
});
