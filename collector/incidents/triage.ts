/**
 * Triage by the machine: what kind of trouble an incident is, what likely caused it, and what the past says (likeness.ts).
 *
 * A cause is a class with the evidence that speaks for it: what it hangs behind, what else failed or was told around its
 * onset at what it depends on, its agent and its site, and what helped before. Evidence has a weight; what adds up to
 * STRONG is strong. Nothing here is learned, and nothing is hidden: every cause says by which evidence it is one, and without any
 * there is none but what the rule itself saw.
 */
import { type Category, FAULT_CODES, findMetric } from "@aislewatch/devices";
import {
  type Classification,
  classify,
  classOfEvent,
  classOfResolution,
  codesOf,
  type FaultClass,
} from "./fault-class.ts";
import { type Likeness, type LikenessInput, likenessOf, type Relation, type Resolved } from "./likeness.ts";
import type { Incident } from "./types.ts";

/** Another incident of the site that stood around the onset. */
export type Near = {
  readonly incident: string;
  readonly title: string;
  readonly category: Category;
  readonly device: string | null;
  /** Who watches it, and what it hangs on, the nearest first. */
  readonly agent: string | null;
  readonly above: readonly string[];
  readonly onset: number;
  /** Null: it stands. */
  readonly recoveredAt: number | null;
};

/** What a device of the site told around the onset. */
export type Told = { readonly device: string; readonly at: number; readonly code: string; readonly detail: string };

export type TriageInput = LikenessInput & {
  readonly agent: string | null;
  /** Device ids that it hangs on, the nearest first. */
  readonly above: readonly string[];
  readonly near: readonly Near[];
  readonly told: readonly Told[];
  /** When its agent last started; null: not known. */
  readonly agentStartedAt: number | null;
};

export type Evidence = {
  readonly text: string;
  readonly at: number | null;
  readonly incident: string | null;
};
export const STRENGTHS = ["strong", "likely", "possible"] as const;
export type Strength = (typeof STRENGTHS)[number];
export type Cause = {
  readonly is: FaultClass;
  readonly text: string;
  readonly strength: Strength;
  /** The weightiest first. */
  readonly evidence: readonly Evidence[];
};

export type Triage = Likeness & {
  readonly classification: Classification;
  /** The likeliest first. */
  readonly causes: readonly Cause[];
};

/** How far around the onset one looks. */
export const AROUND = {
  /** A cause may be noticed so long before: an agent asks some devices every ten minutes. */
  beforeMs: 10 * 60_000,
  /** And so long after what it caused. */
  afterMs: 2 * 60_000,
  /** What a device told of itself, or somebody did to it, counts for longer. */
  toldBeforeMs: 30 * 60_000,
} as const;

const CAUSES_MAX = 5;
const EVIDENCE_MAX = 4;
/** One of these fails with it by chance; two are a pattern. */
const CROWD_MIN = 2;
const CROWD_MS = 2 * 60_000;

const WEIGHT = { strong: 4, likely: 2, possible: 1 } as const satisfies Record<Strength, number>;

type Clue = Evidence & { readonly is: FaultClass; readonly weight: number };

export function triageOf(input: TriageInput): Triage {
  const likeness = likenessOf(input);
  const onset = onsetOf(input.incident);
  const clues = [
    ...behind(input.incident),
    ...failedAbove(input, onset),
    ...crowd(input, onset),
    ...tellings(input, onset),
    ...agentStart(input, onset),
    ...inMaintenance(input.incident),
    ...past(likeness),
    ...seen(input.incident),
  ];
  return { ...likeness, classification: classify(input.incident), causes: causesOf(clues) };
}

export const onsetOf = ({ restatedOnset, onset }: Incident): number => restatedOnset ?? onset;

/** What the collector put it down to by itself. */
function behind({ suppressedBy, parent, cause, openedAt }: Incident): Clue[] {
  const clue = (text: string, weight: number, at: number | null, incident: string | null): Clue => ({
    ...{ is: "upstream", text, weight, at, incident },
  });
  const clues = parent === null ? [] : [clue(`It is a consequence of ${parent}.`, WEIGHT.strong, null, parent)];
  if (suppressedBy !== null) {
    clues.push(clue(`It hangs behind ${spokenCause(suppressedBy)}.`, WEIGHT.strong, cause?.since ?? null, null));
  } else if (cause !== null && cause.since <= openedAt + AROUND.afterMs) {
    // A silent agent hides its devices and breaks none of them.
    const weight = cause.by.startsWith("agent:") ? WEIGHT.possible : WEIGHT.likely;
    clues.push(clue(`It hung behind ${causeName(cause.by)}, until that was over.`, weight, cause.since, null));
  }
  return clues;
}

function spokenCause(by: string): string {
  if (by.startsWith("rule:")) return causeName(by);
  return `${causeName(by)}, which is ${by.startsWith("agent:") ? "silent" : "down"}`;
}

function causeName(by: string): string {
  if (by.startsWith("rule:")) return `a wider fault, ${by.slice("rule:".length)}`;
  return by.startsWith("agent:") ? `agent ${by.slice("agent:".length)}` : by;
}

/** Something that it hangs on, or who watches it, had trouble of its own then. A printer out of paper takes nothing down. */
function failedAbove({ incident, above, agent, near }: TriageInput, onset: number): Clue[] {
  const chain = [...above, ...(agent === null ? [] : [`agent/${agent}`])];
  return near.flatMap((one): Clue[] => {
    const isAbove = one.device !== null && chain.includes(one.device) && one.incident !== incident.id;
    if (!isAbove || one.category === "consumable" || one.category === "process" || !stoodAt(one, onset)) return [];
    const is = one.category === "power" ? "power" : "upstream";
    const takesDown = one.category === "network" || one.category === "power" || one.category === "hardware";
    const text = `${one.device}, which it hangs on: ${one.title} (${timing(one.onset, onset)}).`;
    return [{ is, text, weight: takesDown ? WEIGHT.strong : WEIGHT.likely, at: one.onset, incident: one.incident }];
  });
}

const stoodAt = ({ onset: from, recoveredAt }: Near, onset: number): boolean =>
  from <= onset + AROUND.afterMs && (recoveredAt === null || recoveredAt >= onset - AROUND.beforeMs);

/**
 * Several at once have something in common: what they hang on, who watches them, the mains. A device that says what it
 * lacks has power and is reached: there it is a guess, and paper that is used up has no common cause at all.
 */
function crowd({ incident, above, agent, near }: TriageInput, onset: number): Clue[] {
  const { is: kind } = classify(incident);
  if (kind === "consumable") return [];
  const isCutOff = kind === "connectivity" || kind === "power" || kind === "upstream" || kind === "unknown";
  const own = incident.subject.device;
  const others = near.filter(
    (one) =>
      one.device !== null &&
      one.device !== own &&
      // What hangs on it, or is watched by it, failed because of it.
      (own === null || !one.above.includes(own)) &&
      own !== `agent/${one.agent}` &&
      one.category !== "consumable" &&
      Math.abs(one.onset - onset) <= CROWD_MS,
  );
  const devices = [...new Set(others.flatMap(({ device }) => (device === null ? [] : [device])))].sort();
  if (devices.length < CROWD_MIN) return [];
  const [first] = others.filter(({ category }) => category === "power").sort((a, b) => a.onset - b.onset);
  const shared = above.find((parent) => others.every((one) => one.above.includes(parent) || one.device === parent));
  const isOneAgent = agent !== null && others.every((one) => one.agent === agent);
  const what = shared ?? (isOneAgent ? `agent ${agent}` : null);
  const said = what === null ? "look at what they share" : `all of them share ${what}`;
  const names =
    devices.length <= 3 ? devices.join(", ") : `${devices.slice(0, 3).join(", ")} and ${devices.length - 3} more`;
  const text = `${devices.length} other devices of the site failed within two minutes (${names}): ${said}.`;
  const clue: Clue = {
    is: "upstream",
    text,
    weight: isCutOff ? WEIGHT.likely : WEIGHT.possible,
    at: onset,
    incident: null,
  };
  if (first === undefined) return [clue];
  const power = `${first.device}: ${first.title} (${timing(first.onset, onset)}), and ${devices.length} devices failed with it.`;
  const weight = isCutOff ? WEIGHT.strong : WEIGHT.possible;
  return [clue, { is: "power", text: power, weight, at: first.onset, incident: first.incident }];
}

/** What it, and what it hangs on, told before: a restart, a cover, another asset, a cable. */
function tellings({ incident, above, told }: TriageInput, onset: number): Clue[] {
  const own = incident.subject.device;
  const itself: readonly string[] = codesOf(incident);
  return told.flatMap((one): Clue[] => {
    const before = onset - one.at;
    const isOwn = one.device === own;
    const is = classOfEvent(one.code);
    if (is === null || before > AROUND.toldBeforeMs || before < -AROUND.afterMs) return [];
    if (isOwn ? itself.includes(one.code) : !above.includes(one.device)) return [];
    const isSoon = before <= AROUND.beforeMs;
    const meaning = FAULT_CODES[one.code as keyof typeof FAULT_CODES].toLowerCase();
    const who = isOwn ? "It told" : `${one.device}, which it hangs on, told`;
    const text = `${who} "${meaning}" (${timing(one.at, onset)})${detailOf(one.detail)}.`;
    const weight = isOwn ? (isSoon ? WEIGHT.likely : WEIGHT.possible) : isSoon ? WEIGHT.likely : WEIGHT.possible;
    // What happens above it is upstream of it, whatever it is there.
    return [{ is: isOwn || is === "power" ? is : "upstream", text, weight, at: one.at, incident: null }];
  });
}

const DETAIL_CHARS_MAX = 80;
const detailOf = (detail: string): string => {
  const clean = detail.replaceAll(/\p{Cc}/gu, " ").trim();
  return clean === "" ? "" : `: ${[...clean].slice(0, DETAIL_CHARS_MAX).join("")}`;
};

function agentStart({ agent, agentStartedAt }: TriageInput, onset: number): Clue[] {
  if (agent === null || agentStartedAt === null) return [];
  const before = onset - agentStartedAt;
  if (before < -AROUND.afterMs || before > AROUND.beforeMs) return [];
  const text = `Agent ${agent}, which watches it, was started (${timing(agentStartedAt, onset)}).`;
  return [{ is: "software", text, weight: WEIGHT.possible, at: agentStartedAt, incident: null }];
}

function inMaintenance({ maintenance = null }: Incident): Clue[] {
  if (maintenance === null) return [];
  const text = `It lies in maintenance (${maintenance}): somebody may be at work there.`;
  return [{ is: "user_handling", text, weight: WEIGHT.possible, at: null, incident: null }];
}

const PLACES: Readonly<Record<Relation, string>> = {
  ...{ slot: "on this slot", asset: "on this asset", model: "on this model", site: "at this site" },
};

/** `7 of 9 like it on this model were resolved as cleaned.` */
export const resolvedText = ({ n, of, on, code }: Resolved): string =>
  `${n} of ${of} like it ${PLACES[on]} were resolved as ${code.replaceAll("_", " ")}.`;

/** A slot's past is a part of its asset's and of its model's: what they all say is told once, by the one that says it best. */
export function bestOfEach(resolved: readonly Resolved[]): Resolved[] {
  const best = new Map<string, Resolved>();
  for (const one of resolved) if (one.atLeast > (best.get(one.code)?.atLeast ?? -1)) best.set(one.code, one);
  return [...best.values()];
}

/** What helped before, and whether it fails more often than others do. */
function past({ resolved, usual }: Likeness): Clue[] {
  const clues = bestOfEach(resolved).flatMap((one): Clue[] => {
    const is = classOfResolution(one.code);
    if (is === null) return [];
    // With few, or with other codes beside it, it may as well have been less than half.
    const weight = one.atLeast >= 0.5 ? WEIGHT.likely : WEIGHT.possible;
    return [{ is, text: resolvedText(one), weight, at: null, incident: null }];
  });
  if (usual?.verdict !== "more_often") return clues;
  const others = `the ${usual.devices - 1} others had ${average(usual.expected)}${usual.expected === 0 ? "" : " each"}`;
  const text = `It fails more often than others of its model: ${usual.times} times in ${usual.days} days; ${others}.`;
  return [...clues, { is: "mechanical", text, weight: WEIGHT.possible, at: null, incident: null }];
}

export const average = (count: number): string =>
  count === 0 ? "none" : count < 0.1 ? "less than 0.1" : count >= 10 ? String(Math.round(count)) : count.toFixed(1);

/** A sensor that says so is strong; a rule that only infers is where one begins. */
function seen(incident: Incident): Clue[] {
  const { is } = classify(incident);
  if (is === "unknown" || is === "upstream") return [];
  const [told] = codesOf(incident).filter((code) => incident.values[code] === true && classOfEvent(code) === is);
  if (told !== undefined) {
    const text = `The device says so itself: ${FAULT_CODES[told].toLowerCase()}.`;
    return [{ is, text, weight: is === "consumable" ? WEIGHT.strong : WEIGHT.likely, at: null, incident: null }];
  }
  const values = Object.entries(incident.values).slice(0, 3);
  const saw = values.map(([metric, value]) => `${metric.replaceAll("_", " ")} ${valueText(metric, value)}`).join(", ");
  const text = `Its rule is about this${saw === "" ? "" : `; it saw ${saw}`}.`;
  return [{ is, text, weight: WEIGHT.possible, at: null, incident: null }];
}

/** `12.5 %`, `yes`. */
export function valueText(metric: string, value: number | boolean): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  const unit = findMetric(metric)?.unit ?? "";
  const size = Math.abs(value);
  const number = size >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return unit === "" ? String(number) : `${number} ${unit}`;
}

const TEXTS: Readonly<Record<Exclude<FaultClass, "unknown">, string>> = {
  consumable: "Something is used up or worn",
  mechanical: "A part of it is dirty, jammed or broken",
  connectivity: "The way to it is broken: plug, cable, port, radio or address",
  power: "It has no power, or had none",
  configuration: "It is set up otherwise than it should be",
  software: "A program or the device itself hangs, or was restarted",
  environment: "Heat, cold or moisture",
  upstream: "What it depends on failed",
  user_handling: "Somebody is at it, or left it open, paused or off",
};

function causesOf(clues: readonly Clue[]): Cause[] {
  const byClass = Map.groupBy(clues, ({ is }) => is);
  return [...byClass]
    .flatMap(([is, some]) => {
      if (is === "unknown") return [];
      const sorted = some.toSorted(
        (a, b) => b.weight - a.weight || (a.at ?? 0) - (b.at ?? 0) || compare(a.text, b.text),
      );
      const score = some.reduce((sum, { weight }) => sum + weight, 0);
      const evidence = sorted.slice(0, EVIDENCE_MAX).map(({ text, at, incident }) => ({ text, at, incident }));
      return [{ score, cause: { is, text: TEXTS[is], strength: strengthOf(score), evidence } }];
    })
    .sort((a, b) => b.score - a.score || compare(a.cause.is, b.cause.is))
    .slice(0, CAUSES_MAX)
    .map(({ cause }) => cause);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const strengthOf = (score: number): Strength =>
  score >= WEIGHT.strong ? "strong" : score >= WEIGHT.likely ? "likely" : "possible";

/** `40 s before`, `at the same time`, `3 min after`. */
function timing(at: number, onset: number): string {
  const seconds = Math.round(Math.abs(at - onset) / 1_000);
  if (seconds < 5) return "at the same time";
  return `${spanText(seconds * 1_000)} ${at < onset ? "before" : "after"}`;
}

/** In one unit: `40 s`, `12 min`, `5 h`, `3 d`. */
export function spanText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 36 * 3_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
