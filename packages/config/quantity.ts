/** Quantities with a written unit. A bare number is refused: ten what? */
import type { z } from "zod";
import { asWritten, type Written } from "./written.ts";

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** "500ms", "10s", "5m", "2h", "7d", "1h30m" → milliseconds. */
export const durationMs: z.ZodType<number> = durationMsBetween(0, 3_660 * 86_400_000);

/** The same within bounds, both included. */
export function durationMsBetween(minMs: number, maxMs: number): z.ZodType<number> {
  return asWritten("a duration such as 500ms, 10s, 5m, 2h or 7d", (written) =>
    within(parseDurationMs(written), { min: minMs, max: maxMs, write: writeDuration }),
  );
}

/** "512MiB", "64KiB", "1GB" → bytes. */
export const byteSize: z.ZodType<number> = byteSizeBetween(0, 2 ** 50);

export function byteSizeBetween(minBytes: number, maxBytes: number): z.ZodType<number> {
  return asWritten("a size such as 64KiB, 512MiB or 2GiB", (written) =>
    within(parseBytes(written), { min: minBytes, max: maxBytes, write: writeBytes }),
  );
}

function parseDurationMs(written: unknown): Written<number> {
  if (typeof written === "number") return { ok: false, hint: `write the unit: ${written}s or ${written}ms` };
  if (typeof written !== "string" || !/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/.test(written)) return { ok: false };
  let totalMs = 0;
  for (const [, count, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) {
    totalMs += Number(count) * (DURATION_MS[unit ?? ""] ?? Number.NaN);
  }
  return { ok: true, value: Math.round(totalMs) };
}

function parseBytes(written: unknown): Written<number> {
  if (typeof written === "number") return { ok: false, hint: `write the unit: ${written}MiB or ${written}B` };
  const match = typeof written === "string" ? /^(\d+(?:\.\d+)?) ?([KMGT]iB|[kMGT]?B)$/.exec(written) : null;
  if (match === null) return { ok: false };
  return { ok: true, value: Math.round(Number(match[1]) * (BYTES[match[2] ?? ""] ?? Number.NaN)) };
}

function within(
  parsed: Written<number>,
  bounds: { min: number; max: number; write: (value: number) => string },
): Written<number> {
  if (!parsed.ok || (parsed.value >= bounds.min && parsed.value <= bounds.max)) return parsed;
  const { min, max, write } = bounds;
  return { ok: false, code: "CFG_RANGE", message: `expected ${write(min)} to ${write(max)}` };
}

/** 90000 → "90s", 7200000 → "2h": the largest unit that divides. */
export const writeDuration = (ms: number): string => writeUnit(ms, ["w", "d", "h", "m", "s", "ms"], DURATION_MS);
const writeBytes = (bytes: number): string => writeUnit(bytes, ["TiB", "GiB", "MiB", "KiB", "B"], BYTES);

function writeUnit(value: number, units: readonly string[], sizes: Readonly<Record<string, number>>): string {
  const unit = value === 0 ? (units.at(-1) ?? "") : units.find((name) => value % (sizes[name] ?? 1) === 0);
  return unit === undefined ? String(value) : `${value / (sizes[unit] ?? 1)}${unit}`;
}
