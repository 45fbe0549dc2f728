/**
 * Whose word a verdict is, as events of the device: when it became bad, when others say so while it is bad, and when
 * nobody does any more. A reading carries the verdict at every poll and its witnesses only when they change, so that
 * they cost the wire nothing while nothing happens. Pure; the state is one device's.
 */
import type { Reading, SampleSet } from "@aislewatch/contract";
import { type EventCode, type Evidence, findMetric } from "@aislewatch/devices";

type Event = NonNullable<Reading["events"]>[number];

export const VERDICT_LIMITS = {
  /** Verdicts of one device that are followed; a printer has a dozen, a PDU one for each outlet. */
  verdictsMax: 256,
  /** The collector keeps 200 events of a device: one whose witnesses flap must not push its traps out of there. */
  burst: 16,
  perHour: 12,
} as const;

/** Codes of these events. They are no fault codes: what is wrong is what the verdict says, not who says it. */
export const VERDICT_EVENTS = { stands: "verdict", cleared: "verdict_cleared" } as const satisfies Record<
  string,
  EventCode
>;

export type Verdicts = {
  /** The witnesses of each verdict that stands, by component and metric, as they were told last. */
  readonly told: ReadonlyMap<string, string>;
  readonly tokens: number;
  readonly atMs: number;
};

export const NO_VERDICTS: Verdicts = { told: new Map(), tokens: VERDICT_LIMITS.burst, atMs: 0 };

type Seen = { readonly samples: readonly SampleSet[]; readonly evidence?: readonly Evidence[] };

/**
 * A poll that was answered, at `nowMs` of a clock that only goes forward. What finds no token is told at a later poll,
 * if it still is so then: a device that flaps is told of late, and never wrongly.
 */
export function stepVerdicts(before: Verdicts, seen: Seen, nowMs: number): { next: Verdicts; events: Event[] } {
  const { burst, perHour, verdictsMax } = VERDICT_LIMITS;
  const earned = (Math.max(0, nowMs - before.atMs) * perHour) / 3_600_000;
  let tokens = Math.min(burst, before.tokens + earned);
  const told = new Map(before.told);
  const events: Event[] = [];
  const tell = (event: Event, remember: () => void): void => {
    if (tokens < 1) return;
    tokens--;
    remember();
    events.push(event);
  };
  for (const heard of (seen.evidence ?? []).filter(isBad)) {
    const { component, metric } = heard;
    const key = keyOf(component, metric);
    const witnesses = witnessesOf(heard);
    if (told.get(key) === witnesses || (!told.has(key) && told.size >= verdictsMax)) continue;
    tell({ component, code: VERDICT_EVENTS.stands, detail: sentenceOf(heard) }, () => told.set(key, witnesses));
  }
  for (const [key, witnesses] of before.told) {
    const [component, metric] = partsOf(key);
    if (!isDenied(component, metric, seen.samples)) continue;
    const [by = ""] = witnesses.split(NOT);
    const detail = `${metric}: said by nobody any more; it was ${by}`;
    tell({ component, code: VERDICT_EVENTS.cleared, detail }, () => told.delete(key));
  }
  return { next: { told, tokens, atMs: nowMs }, events };
}

/** A number that was taken from the most trusted is no verdict, nor is a state that is as good as its opposite. */
const isBad = ({ metric }: Evidence): boolean => findMetric(metric)?.bad === true;

/** Said to be false: a verdict that has no value now is unknown, and stands as it was told. */
const isDenied = (component: string | null, metric: string, samples: readonly SampleSet[]): boolean =>
  samples.some((set) => set.component === component && set.metrics[metric] === false);

const keyOf = (component: string | null, metric: string): string => `${component ?? ""} ${metric}`;

function partsOf(key: string): [component: string | null, metric: string] {
  const [component = "", metric = ""] = key.split(" ");
  return [component === "" ? null : component, metric];
}

const NOT = "; not by ";

/** By name: the words of a row may count sheets, and would be news at every poll. */
const witnessesOf = ({ by, against }: Evidence): string => [by, against].map((names) => names.join(", ")).join(NOT);

/** `media_out: said by error bits, alert table (“Load tray 1”); not by trays`. */
function sentenceOf({ metric, by, against, quotes }: Evidence): string {
  const said = by.map((name) => (quotes?.[name] === undefined ? name : `${name} (${quotes[name]})`));
  return `${metric}: said by ${said.join(", ")}${against.length === 0 ? "" : `${NOT}${against.join(", ")}`}`;
}
