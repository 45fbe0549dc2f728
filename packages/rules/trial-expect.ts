/** What a test expects, beside what was: of a fault at a time, and of all that people would have seen. */
import { assertNever } from "@aislewatch/base";
import { writeSpan } from "./span.ts";
import { RULES_ALL, type RuleTest } from "./trial-file.ts";
import { DEVICE } from "./trial-fleet.ts";
import type { FaultView, Rule, Subject } from "./types.ts";

export type TrialCheck = {
  /** `2m`, `end`, or `total` */
  readonly at: string;
  /** Whose: empty for the test's own rule and device; else `rule`, `on device`, or both. */
  readonly of: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
};

export type StateExpected = Extract<RuleTest["expect"][number], { at: unknown }>;
export type TotalsExpected = Exclude<RuleTest["expect"][number], { at: unknown }>;

/** The site and the only agent of every test. */
export const SITE = "test";
export const AGENT = "test";

const WORDS = ["state", "severity", "suppressed", "stale", "flapping", "maintenance", "inactive_hours"] as const;
type Word = (typeof WORDS)[number];
type Fact = string | boolean | null;

export function checkState(
  expected: StateExpected,
  {
    own,
    rules,
    test,
    faults,
    startMs,
  }: {
    readonly own: Rule;
    readonly rules: readonly Rule[];
    readonly test: RuleTest;
    readonly faults: readonly FaultView[];
    readonly startMs: number;
  },
): TrialCheck {
  const rule = rules.find(({ id }) => id === (expected.rule ?? own.id)) ?? own;
  const subject = subjectOf(rule, test, expected);
  const view = faults.find((fault) => fault.rule === rule.id && isSame(fault.subject, subject));
  const got = factsOf(view);
  const words = WORDS.flatMap((name) => {
    const wanted = expected[name];
    return wanted === undefined ? [] : [{ name, wanted, got: got(name, wanted) }];
  });
  const since = view === undefined ? "" : ` (since ${writeSpan(view.since - startMs)})`;
  return {
    at: expected.at === "end" ? "end" : writeSpan(expected.at),
    of: [...(rule === own ? [] : [rule.id]), ...whichOf(expected)].join(" "),
    expected: words.map(({ name, wanted }) => sayWord(name, wanted)).join(" "),
    got: `${words.map(({ name, got: fact }) => sayWord(name, fact, view)).join(" ")}${since}`,
    ok: words.every((word) => word.wanted === word.got),
  };
}

const whichOf = ({ device, component }: StateExpected): string[] =>
  device === undefined && component === undefined
    ? []
    : [`on ${[device, component].filter((part) => part !== undefined).join("#")}`];

/** What is asked of a fault, in the words in which it is asked: `suppressed` as yes or no, or as by what. */
const factsOf =
  (view: FaultView | undefined) =>
  (name: Word, wanted: Fact): Fact => {
    switch (name) {
      case "state":
        return view?.state ?? "inactive";
      case "severity":
        return view?.severity ?? null;
      case "suppressed": {
        const by = view?.flags.suppressedBy ?? null;
        return typeof wanted === "string" && by !== null ? nameOfCause(by) : by !== null;
      }
      case "stale":
        return view?.flags.stale ?? false;
      case "flapping":
        return view?.flags.flapping ?? false;
      case "maintenance":
        return view?.flags.maintenance !== undefined;
      case "inactive_hours":
        return view?.flags.inactiveHours ?? false;
      default:
        return assertNever(name);
    }
  };

/** `test/switch` is `switch`, `rule:no-answer@test/device` is `no-answer`, `agent:test/test` is `agent`. */
export function nameOfCause(suppressedBy: string): string {
  if (suppressedBy.startsWith("agent:")) return "agent";
  if (!suppressedBy.startsWith("rule:")) return suppressedBy.slice(SITE.length + 1);
  return suppressedBy.slice("rule:".length, suppressedBy.indexOf("@"));
}

/** With the fault itself what suppresses it is named, though only yes or no was expected. */
function sayWord(name: Word, value: Fact, view?: FaultView): string {
  const by = view?.flags.suppressedBy ?? null;
  if (name === "suppressed" && value === true && by !== null) return `suppressed by ${nameOfCause(by)}`;
  if (typeof value === "boolean") return `${value ? "" : "not "}${name.replace("_", " ")}`;
  return name === "suppressed" ? `suppressed by ${value}` : String(value ?? "no level");
}

export const differenceOf = ({ at, of, expected, got }: TrialCheck): string => {
  const whose = of === "" ? "" : `${of}: `;
  return at === "total"
    ? `${whose}expected ${expected}, was ${got}`
    : `at ${at}: ${whose}expected ${expected}, was ${got}`;
};

export type Totals = { readonly incidents: number; readonly pages: number; readonly afterwards: number };

/** `totalsOf` adds up one rule, or `all` of them. */
export function checkTotals(
  expected: TotalsExpected,
  { own, totalsOf }: { readonly own: Rule; readonly totalsOf: (rule: string) => Totals },
): TrialCheck[] {
  const rule = expected.rule ?? own.id;
  const got = totalsOf(rule);
  const of = rule === own.id ? "" : rule === RULES_ALL ? "all rules" : rule;
  return (["incidents", "pages", "afterwards"] as const).flatMap((name) => {
    const wanted = expected[name];
    if (wanted === undefined) return [];
    const say = (count: number): string =>
      `${count} ${name === "afterwards" ? "found afterwards" : named(name, count)}`;
    return [{ at: "total", of, expected: say(wanted), got: say(got[name]), ok: wanted === got[name] }];
  });
}

const named = (plural: string, count: number): string => (count === 1 ? plural.slice(0, -1) : plural);

function subjectOf(rule: Rule, test: RuleTest, expected: StateExpected): Subject {
  const device = expected.device ?? DEVICE;
  switch (rule.scope) {
    case "site":
      return { site: SITE, device: null, component: null };
    case "component": {
      const component = expected.component ?? test.component ?? Object.keys(test.components ?? {})[0] ?? null;
      return { site: SITE, device, component };
    }
    case "device":
      return { site: SITE, device, component: null };
    default:
      return assertNever(rule.scope);
  }
}

const isSame = (a: Subject, b: Subject): boolean =>
  a.site === b.site && a.device === b.device && a.component === b.component;
