import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printerSeen } from "./printer-words.ts";

describe("a printer's own words", () => {
  it.each([
    { languages: ["ZPL"], texts: ["LP 2824 Plus"], kind: "label_printer", driver: "zpl" },
    { languages: ["EPL2", "ZPL"], texts: [], kind: "label_printer", driver: "zpl" },
    { languages: ["ESC/POS"], texts: ["TM-T20II"], kind: "receipt_printer", driver: "escpos" },
    { languages: ["STAR"], texts: ["TSP100"], kind: "receipt_printer", driver: "star" },
    { languages: ["PJL", "PCL", "PCLXL"], texts: ["MFC-J5320DW"], kind: "office_printer", driver: null },
    // An office language and a receipt printer's name: drivers of some make PCL of it.
    { languages: ["PCL"], texts: ["TM-T88VI"], kind: "receipt_printer", driver: "escpos" },
    { languages: [], texts: ["Star TSP143 Cutter"], kind: "receipt_printer", driver: "star" },
    { languages: [], texts: ["Zebra ZPL Label Printer"], kind: "label_printer", driver: "zpl" },
    { languages: [], texts: ["EPSON TM-T20II Raster"], kind: "receipt_printer", driver: "escpos" },
    { languages: [], texts: ["HP LaserJet Pro M404"], kind: "office_printer", driver: null },
    { languages: [], texts: ["Local Raw Printer", "receipts"], kind: "receipt_printer", driver: null },
    { languages: [], texts: ["Kyocera ECOSYS M2540dn"], kind: "office_printer", driver: null },
  ])("$languages $texts are a $kind", ({ languages, texts, kind, driver }) => {
    expect(printerSeen(languages, texts)).toMatchObject({ kind, driver });
  });

  it.each(["Local Raw Printer", "", "Printer", "generic"])("%o tells nothing", (text) => {
    expect(printerSeen([], [text])).toBeNull();
  });

  it("end in bounded time, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2_000 })), fc.array(fc.string()), (languages, texts) => {
        const seen = printerSeen(languages, texts);
        expect(seen === null || seen.by.length > 0).toBe(true);
      }),
    );
  });
});
