import { expect, it } from "vitest";
import { openPortsOf, writeOpenPort } from "./port-proposal.ts";

it("proposes what may be at an open port as a comment, where nobody answered over SNMP", () => {
  const ports = new Map([
    ["10.0.0.20", [502, 9100]],
    ["10.0.0.9", [9100]],
    ["fd00::7", [9100]],
    ["10.0.0.10", [9100]],
  ]);
  const open = openPortsOf(ports, new Set(["10.0.0.10"]), new Set(["label-printer-0-9"]));
  expect(open.map(({ id }) => id)).toEqual([
    "label-printer-10-0-0-9",
    "drive-0-20",
    "label-printer-0-20",
    "label-printer-fd00-7",
  ]);
  const texts = open.map(writeOpenPort);
  expect(texts[0]).toBe(
    [
      "  # 10.0.0.9: port 9100 is open and nobody answers SNMP: a printer? Say which language it speaks, and take the # away:",
      "  # - id: label-printer-10-0-0-9",
      "  #   kind: label_printer",
      "  #   driver: zpl # or tspl, epl, dpl, sbpl; a receipt printer: kind receipt_printer, driver escpos or star",
      '  #   line: { tcp: "10.0.0.9:9100" }',
    ].join("\n"),
  );
  expect(texts[3]).toContain('{ tcp: "[fd00::7]:9100" }');
});
