/** The figures of a report as words and as what charts draw. Nothing known is a dash, and never 0. */
import type { Figures, Priority, Report } from "../api/types.ts";
import { PRIORITIES } from "../api/types.ts";
import { age, count, plural } from "../ui/format.ts";

export const UNKNOWN = "–";
const DAY_MS = 86_400_000;

export const duration = (ms: number | null): string => (ms === null ? UNKNOWN : ms < 1_000 ? "under 1 s" : age(ms));
const percentOf = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Below this a percentage says more about chance than about the thing: `2 of 3` does not. */
export const SAMPLE_MIN = 5;

type Share = { readonly n: number; readonly of: number };

export function shareText({ n, of }: Share): string {
  if (of === 0) return UNKNOWN;
  return of < SAMPLE_MIN ? `${n} of ${of}` : percentOf(n / of);
}

const attainedOf = ({ met, breached }: { met: number; breached: number }): Share => ({ n: met, of: met + breached });
export const attainedText = (clock: { met: number; breached: number }): string => shareText(attainedOf(clock));

export const penaltyText = (penalties: Figures["penalties"]): string =>
  penalties.map(({ currency, amount }) => `${currency} ${amount.toFixed(2)}`).join(", ") || UNKNOWN;

export const rateText = (rate: Figures["betweenFailures"]["rate"]): string =>
  rate === null ? UNKNOWN : `${rate.value.toFixed(1)} (${rate.low.toFixed(1)} to ${rate.high.toFixed(1)})`;

export const deviceDays = (ms: number | null): string => (ms === null ? UNKNOWN : count(Math.round(ms / DAY_MS)));

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
export const weekdayOf = (day: number): string => WEEKDAYS[day] ?? "";
export const hourText = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;

export const keyText = (key: string | number | null): string =>
  key === null
    ? "not known"
    : typeof key === "string"
      ? key
      : `${weekdayOf(Math.floor(key / 24))} ${hourText(key % 24)}`;

export type Headline = {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  /** Of the period before; null: nothing to compare with. */
  readonly was: string | null;
  readonly turn: "better" | "worse" | null;
};

type Measured = { readonly text: string; readonly value: number | null };
type Line = {
  readonly name: string;
  readonly of: (figures: Figures) => Measured;
  readonly note: (figures: Figures) => string;
  /** Whether more is better; null: neither. */
  readonly wanted: "more" | "less" | null;
};

const median = (name: string, of: (figures: Figures) => Figures["detect"]): Line => ({
  name,
  of: (figures) => ({ text: duration(of(figures).medianMs), value: of(figures).medianMs }),
  note: (figures) => `p90 ${duration(of(figures).p90Ms)}, of ${count(of(figures).n)}`,
  wanted: "less",
});
const share = (name: string, wanted: Line["wanted"], of: (figures: Figures) => Share): Line => ({
  name,
  wanted,
  of: (figures) => {
    const { n, of: whole } = of(figures);
    return { text: shareText({ n, of: whole }), value: whole < SAMPLE_MIN ? null : n / whole };
  },
  note: (figures) => `${count(of(figures).n)} of ${count(of(figures).of)}`,
});
const number = (value: number): Measured => ({ text: count(value), value });

const LINES: readonly Line[] = [
  {
    name: "Opened",
    of: ({ incidents }) => number(incidents.opened),
    note: ({ incidents: { open, cancelled, merged } }) =>
      `${count(open)} open, ${count(cancelled + merged)} no incident`,
    wanted: "less",
  },
  {
    name: "Open at the end",
    of: ({ backlog }) => number(backlog.total),
    note: ({ unacknowledged: { open, over } }) => `not acknowledged: ${count(open)} open, ${count(over)} over`,
    wanted: "less",
  },
  median("Time to detect", ({ detect }) => detect),
  median("Time to acknowledge", ({ acknowledge }) => acknowledge),
  median("Time to restore", ({ restore }) => restore),
  median("Time to resolve", ({ resolve }) => resolve),
  {
    name: "Between failures",
    of: ({ betweenFailures: { meanMs } }) => ({ text: duration(meanMs), value: meanMs }),
    note: ({ betweenFailures: { measured, deviceMs } }) =>
      `mean trading time; ${plural(measured, "failure")} in ${deviceDays(deviceMs)} device-days`,
    wanted: "more",
  },
  share("First line", "more", ({ firstLine }) => firstLine),
  share("Recovered by itself", null, ({ selfRecovered }) => selfRecovered),
  share("Reopened", "less", ({ reopened }) => reopened),
  share("Response in time", "more", ({ sla }) => attainedOf(sla.response)),
  share("Restored in time", "more", ({ sla }) => attainedOf(sla.restore)),
  {
    name: "Penalties",
    of: ({ penalties }) => ({
      text: penaltyText(penalties),
      value: penalties.length === 1 ? (penalties[0]?.amount ?? null) : null,
    }),
    note: ({ penalties }) => `${count(penalties.reduce((sum, { incidents }) => sum + incidents, 0))} incidents`,
    wanted: "less",
  },
];

export function headlinesOf(now: Figures, last: Figures | null): Headline[] {
  // Of a time of which nothing is known nothing is better or worse.
  const before = last === null || last.incidents.opened + last.backlog.total === 0 ? null : last;
  return LINES.map(({ name, of, note, wanted }) => {
    const is = of(now);
    const was = before === null ? null : of(before);
    const isKnown = is.value !== null && was !== null && was.value !== null && is.value !== was.value;
    const hasMore = isKnown && (is.value ?? 0) > (was?.value ?? 0);
    const turn = !isKnown || wanted === null ? null : hasMore === (wanted === "more") ? "better" : "worse";
    return { name, value: is.text, note: note(now), was: was === null || was.text === UNKNOWN ? null : was.text, turn };
  });
}

export type Bar = {
  readonly label: string;
  readonly parts: Readonly<Record<Priority, number>>;
  readonly total: number;
};

/** More bars than that are hairs: then weeks, then months. */
const BARS_MAX = 100;

/** One for each day, or week from its Monday on, or month, also for those in which nothing was opened. */
export function barsOf(days: NonNullable<Report["course"]>["days"]): { readonly per: string; readonly bars: Bar[] } {
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  if (first === undefined || last === undefined) return { per: "day", bars: [] };
  const span = (Date.parse(last) - Date.parse(first)) / DAY_MS;
  const per = span < BARS_MAX ? "day" : span < BARS_MAX * 7 ? "week" : "month";
  const labels = new Map<string, Record<Priority, number>>();
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY_MS) labels.set(bucketOf(at, per), none());
  for (const { day, byPriority } of days) {
    const parts = labels.get(bucketOf(Date.parse(day), per));
    if (parts !== undefined) for (const one of PRIORITIES) parts[one] += byPriority[one] ?? 0;
  }
  return { per, bars: [...labels].map(([label, parts]) => ({ label, parts, total: totalOf(parts) })) };
}

function bucketOf(at: number, per: "day" | "week" | "month"): string {
  if (per === "month") return new Date(at).toISOString().slice(0, 7);
  // 1970-01-05 was a Monday.
  const back = per === "day" ? 0 : (Math.floor(at / DAY_MS) + 3) % 7;
  return new Date(at - back * DAY_MS).toISOString().slice(0, 10);
}

const AGE_LABELS: Readonly<Record<string, string>> = {
  ...{ "4h": "to 4 h", "1d": "to 1 d", "3d": "to 3 d", "7d": "to 7 d", "30d": "to 30 d", older: "older" },
};

export const backlogBars = ({ byAge }: Figures["backlog"]): Bar[] =>
  byAge.map(({ upTo, byPriority }) => {
    const parts = none();
    for (const one of PRIORITIES) parts[one] = byPriority[one] ?? 0;
    return { label: AGE_LABELS[upTo] ?? upTo, parts, total: totalOf(parts) };
  });

const none = (): Record<Priority, number> => ({ P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 });
const totalOf = (parts: Readonly<Record<Priority, number>>): number =>
  PRIORITIES.reduce((sum, one) => sum + parts[one], 0);

/** Those with a rate, the worst first, then the others by their failures: of few there is no rate to go by. */
export const league = (groups: Report["groups"]): Report["groups"] =>
  groups
    .filter(({ key, figures }) => key !== null && figures.betweenFailures.measured > 0)
    .sort((a, b) => {
      const [one, other] = [a.figures.betweenFailures, b.figures.betweenFailures];
      return (other.rate?.value ?? -1) - (one.rate?.value ?? -1) || other.measured - one.measured;
    });
