const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
  [1, "ms"],
];

/** A span of time as a person says it: 90000 is "1m30s", never negative; from a second on without milliseconds. */
export function writeSpan(ms: number): string {
  let left = Math.max(0, ms < 1_000 ? Math.round(ms) : Math.round(ms / 1_000) * 1_000);
  let written = "";
  for (const [size, unit] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) written += `${count}${unit}`;
  }
  return written === "" ? "0s" : written;
}
