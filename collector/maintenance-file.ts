/**
 * maintenance.yaml: expected downtime that is planned ahead. A window is one stretch of time (`from`, `to`) or certain
 * hours of every week (`weekly`), by the clock of each site that it concerns, or of `time_zone`.
 *
 *     maintenance:
 *       - id: nightly-reboot
 *         reason: The POS terminals restart for updates
 *         where: { kind: pos_terminal }
 *         weekly: { sun: 03:00-04:00 }
 *       - id: switch-swap-berlin
 *         reason: New switches
 *         where: { site: berlin-01 }
 *         from: 2026-11-30T22:00
 *         to: 2026-12-01T02:00
 *         time_zone: Europe/Berlin
 */
import { asWritten, type Diagnostic, loadYamlFile, type YamlSource } from "@aislewatch/config";
import { ID_PATTERN } from "@aislewatch/contract";
import { KINDS } from "@aislewatch/devices";
import { type MaintenanceWindow, momentsOf } from "@aislewatch/rules";
import { z } from "zod";
import { type Loaded, timeZone, toWeek, tradingHours } from "./sites.ts";

/** A window, with why it is and who entered it; times of a file are its last word, those of people may end early. */
export type PlannedMaintenance = MaintenanceWindow & {
  readonly reason: string;
  /** `file`, or who entered it: `user:<name>`, `token:<name>`. */
  readonly by: string;
};

/** Of a file; a chain plans a few dozen. */
const WINDOWS_MAX = 1_000;
const NAMES_MAX = 5_000;

const word = z.string().min(1).max(128);
const words = z
  .union([word, z.array(word).min(1).max(NAMES_MAX)])
  .transform((written): readonly string[] => [written].flat());
const kinds = z
  .union([z.enum(KINDS), z.array(z.enum(KINDS)).min(1)])
  .transform((written): readonly string[] => [written].flat());

const place = z.strictObject({
  site: words.optional(),
  device: words.optional(),
  kind: kinds.optional(),
  labels: z.record(z.string(), words).optional(),
});

/** Local, and read in a time zone; or with a zone of its own at its end. */
type Moment = { readonly date: string; readonly minute: number } | { readonly atMs: number };

const LOCAL = /^(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):([0-5]\d)$/;
const ZONED = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})$/;

const moment = asWritten<Moment>("a time such as 2026-11-30T22:00, or with a zone 2026-11-30T22:00Z", (written) => {
  if (typeof written !== "string") return { ok: false };
  const local = LOCAL.exec(written);
  if (local !== null) {
    const [, date = "", hour, minute] = local;
    const isDate = !Number.isNaN(Date.parse(date));
    return isDate ? { ok: true, value: { date, minute: Number(hour) * 60 + Number(minute) } } : { ok: false };
  }
  const atMs = ZONED.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(atMs) ? { ok: false } : { ok: true, value: { atMs } };
});

const windowSchema = z.strictObject({
  id: z.string().regex(ID_PATTERN, "an id of lower-case letters, digits and hyphens"),
  reason: z.string().min(1).max(500),
  where: place.default({}),
  weekly: tradingHours.optional(),
  from: moment.optional(),
  to: moment.optional(),
  time_zone: timeZone.optional(),
});
const fileSchema = z.strictObject({ maintenance: z.array(windowSchema).max(WINDOWS_MAX) });
type Written = z.infer<typeof windowSchema>;

/** All windows of the file, or all its mistakes. Never throws. */
export function loadMaintenance(file: string): Loaded<PlannedMaintenance[]> {
  const loaded = loadYamlFile(file, fileSchema);
  const texts = new Map(loaded.text === null ? [] : [[file, loaded.text]]);
  if (!loaded.ok) return { ok: false, diagnostics: loaded.diagnostics, texts };
  const { value, source } = loaded;
  const diagnostics: Diagnostic[] = [];
  const ids = new Set<string>();
  const windows = value.maintenance.flatMap((written, index): PlannedMaintenance[] => {
    const at = ["maintenance", index];
    if (ids.has(written.id)) {
      const message = `expected each id once; received "${written.id}" again`;
      diagnostics.push(source.diagnostic([...at, "id"], { code: "CFG_DUPLICATE_ID", message }));
    }
    ids.add(written.id);
    const when = whenOf(written, { at, source });
    if (!("message" in when)) return [{ ...planned(written), when }];
    diagnostics.push(when);
    return [];
  });
  return diagnostics.length > 0 ? { ok: false, diagnostics, texts } : { ok: true, value: windows };
}

function planned({ id, reason, where }: Written): Omit<PlannedMaintenance, "when"> {
  const { site, device, kind, labels } = where;
  return {
    id,
    reason,
    by: "file",
    where: {
      ...(site !== undefined && { site }),
      ...(device !== undefined && { device }),
      ...(kind !== undefined && { kind }),
      ...(labels !== undefined && { labels }),
    },
  };
}

type Place = { readonly at: readonly (string | number)[]; readonly source: YamlSource };

function whenOf(written: Written, { at, source }: Place): MaintenanceWindow["when"] | Diagnostic {
  const { weekly, from, to, time_zone: zone = null } = written;
  const wrong = (key: string | null, message: string): Diagnostic =>
    source.diagnostic(key === null ? at : [...at, key], { code: "CFG_MAINTENANCE", message });
  if (weekly !== undefined) {
    if (from !== undefined || to !== undefined)
      return wrong("weekly", "expected weekly, or from and to; received both");
    return { is: "weekly", hours: toWeek(weekly), timeZone: zone };
  }
  if (from === undefined || to === undefined) return wrong(null, "expected from and to, or weekly");
  const [fromMs, toMs] = [momentMs(from, zone), momentMs(to, zone)];
  if (fromMs === null || toMs === null) {
    const key = fromMs === null ? "from" : "to";
    return wrong(key, "expected time_zone with a local time, or a time with its zone: 2026-11-30T22:00Z");
  }
  return toMs > fromMs ? { is: "once", fromMs, toMs } : wrong("to", "expected a time after from");
}

/** On the day that clocks are set back a local time may be twice: the first is meant. */
function momentMs(written: Moment, zone: string | null): number | null {
  if ("atMs" in written) return written.atMs;
  return zone === null ? null : Math.min(...momentsOf(zone, written.date, written.minute));
}
