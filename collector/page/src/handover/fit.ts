/**
 * Makes a sheet fit on one page of A4: what people wrote is as long as it is, and nothing of it may be cut off, so the type
 * gets smaller until all of it fits. Measured in the width of the paper, whatever the screen's is.
 */
const PX_A_MM = 96 / 25.4;
/** 297 mm without the margins of `@page`, and a little for what printers round. */
const HEIGHT_MM = 297 - 2 * 11 - 3;
const POINTS = { largest: 9.5, smallest: 5.5, step: 0.25 } as const;

/** Call before it is printed; returns what undoes it. */
export function fitToPage(sheet: HTMLElement): () => void {
  sheet.dataset["fitting"] = "true";
  for (let points: number = POINTS.largest; points >= POINTS.smallest; points -= POINTS.step) {
    sheet.style.setProperty("--sheet-type", `${points}pt`);
    if (sheet.scrollHeight <= HEIGHT_MM * PX_A_MM) break;
  }
  delete sheet.dataset["fitting"];
  return () => sheet.style.removeProperty("--sheet-type");
}
