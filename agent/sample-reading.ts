/** Readings for tests of what keeps and sends them. */
import type { Reading } from "@aislewatch/contract";

/** Text that does not pack: what waits in these tests is as large as it looks. */
export function noise(length: number, seed: number): string {
  let state = seed + 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(33 + ((state >>> 16) % 90));
  })
    .join("")
    .replace(/["\\]/g, "-");
}

/** Of device `n`, `n` ms after `at`; `pad` is the length of a failure's detail. */
export const sampleReading = (
  n: number,
  {
    at,
    metrics = { up: true },
    pad = 0,
  }: { at: number; metrics?: Reading["samples"][number]["metrics"]; pad?: number },
): Reading => ({
  device: `d${n}`,
  at: at + n,
  samples: [{ component: null, metrics }],
  ...(pad > 0 && { failure: { kind: "timeout", detail: noise(pad, n) } }),
});
