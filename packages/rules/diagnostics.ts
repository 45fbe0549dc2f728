/**
 * Every code that a rule file can be given, and what to do about it. `aislewatch rules check --explain CODE` prints an
 * entry; docs/diagnostics.md has the same words, and a test compares them. A code never changes its meaning.
 */
import type { Diagnostic } from "@aislewatch/config";

export type RuleDiagnostic = {
  readonly severity: Diagnostic["severity"];
  /** What is wrong. */
  readonly meaning: string;
  readonly remedy: string;
};

export const RULE_DIAGNOSTICS: Readonly<Record<string, RuleDiagnostic>> = {
  RULE_SHAPE: {
    severity: "error",
    meaning: "Keys that exclude or need each other",
    remedy: "Read the message: `when` or `raise`, not both, and so on",
  },
  RULE_DUPLICATE_ID: {
    severity: "error",
    meaning: "The same rule id twice in the set",
    remedy: "Rename one: the id is part of an incident's key",
  },
  RULE_CONDITION: {
    severity: "error",
    meaning: "Not an expression",
    remedy: "Read the message; the place is inside the quoted text",
  },
  RULE_TYPE: {
    severity: "error",
    meaning: "The condition is not yes or no, or mixes types",
    remedy: "Compare numbers; name a yes/no metric as it is",
  },
  RULE_UNKNOWN_METRIC: {
    severity: "error",
    meaning: "No metric of that name for this kind",
    remedy: "Choose one of [the catalogue](metrics.md)",
  },
  RULE_UNKNOWN_FUNCTION: {
    severity: "error",
    meaning: "No function of that name",
    remedy: "Choose one of those that are named ([rules](rules.md))",
  },
  RULE_UNKNOWN_VAR: {
    severity: "error",
    meaning: "`vars.x` that the rule does not define",
    remedy: "Add it under `vars`",
  },
  RULE_UNKNOWN_KIND: {
    severity: "error",
    meaning: "A kind that there is not",
    remedy: "Choose one of those that are named",
  },
  RULE_UNKNOWN_GROUP: {
    severity: "warning",
    meaning: "A site count of a kind or role that nothing has (a label may bring it later)",
    remedy: "Correct the name",
  },
  RULE_UNKNOWN_CALENDAR: {
    severity: "error",
    meaning: "`active_in` names a calendar that the sites file does not have",
    remedy: "Add it under `calendars` there, or write `always` or `trading_hours`",
  },
  RULE_VAR_TYPE: {
    severity: "error",
    meaning: "An override gives a var another type than the rule does",
    remedy: "Write a number for a number, a text for a text",
  },
  RULE_OVERRIDE: {
    severity: "error",
    meaning: "An override that says nothing, or of which nothing can be meant",
    remedy: "Read the message: `where` names sites or hardware, `vars` at least one var",
  },
  RULE_OVERRIDE_TIE: {
    severity: "error",
    meaning: "Two overrides that are equally specific could fit one device, with different values",
    remedy: "Name one more thing in one of them ([overrides](rules.md#overrides))",
  },
  RULE_OVERRIDE_IDLE: {
    severity: "warning",
    meaning: "An override for a site that is not listed, or that fits no device of the inventory",
    remedy: "Correct the word that is named; one for hardware yet to come may stay",
  },
  RULE_UNKNOWN_RULE: {
    severity: "error",
    meaning: "`absorbs`, a test or an override names a rule (a test a file) that there is not",
    remedy: "Correct the id",
  },
  RULE_SELECT: {
    severity: "error",
    meaning: "`select` reads something else than the inventory",
    remedy: "Use `kind`, `site`, `id`, `labels`, and the like",
  },
  RULE_SCOPE: {
    severity: "error",
    meaning: "Something that this scope can't see",
    remedy: "Use `scope: component`, `scope: site` or a function over parts",
  },
  RULE_WINDOW: {
    severity: "error",
    meaning: "A window that is no duration, or no metric in it",
    remedy: '`avg(cpu_used_percent, "5m")`',
  },
  RULE_SILENCE: {
    severity: "error",
    meaning: "`silent_for()` where it makes no sense",
    remedy: "Use it in a rule on devices",
  },
  RULE_PARTS: {
    severity: "error",
    meaning: "A function over parts of something that has none",
    remedy: "Give it a component's metric",
  },
  RULE_COUNT: {
    severity: "error",
    meaning: "A site count without a name",
    remedy: '`failed("pos_terminal")`',
  },
  RULE_TITLE: {
    severity: "error",
    meaning: "A title that names what the rule does not read",
    remedy: "Name a metric of the condition, `device`, `component` or `site`",
  },
  RULE_TEST: {
    severity: "error",
    meaning: "A test that can't be read, or that names what it does not have",
    remedy: "Series are `40x4 12x20 _x30`; times are `5m` or `end`",
  },
  RULE_CYCLE: {
    severity: "error",
    meaning: "Rules that absorb each other in a circle; as a warning, devices that depend on each other in one",
    remedy: "Decide which is the wider fault; in agent.yaml, what hangs on what",
  },
  RULE_CONSTANT: {
    severity: "warning",
    meaning: "A condition that is never true, or always, whatever is read",
    remedy: "Look for `&&` where `||` was meant, and for a limit on the wrong side",
  },
  RULE_UNREACHABLE: {
    severity: "warning",
    meaning:
      "A level that is never seen: whenever it would be reached, a more severe one is, at the same time or sooner",
    remedy: "Correct the limits, or give the more severe level a longer `for`",
  },
  RULE_CLEAR_OVERLAP: {
    severity: "warning",
    meaning: "The clear condition holds where a level is raised: the hysteresis is the wrong way round",
    remedy: "Clear on the far side of the limit: raise below 10, clear above 15",
  },
  RULE_SHORT_FOR: {
    severity: "warning",
    meaning: "A `for` shorter than two polls: one odd reading is enough",
    remedy: "Make it two polls or more, or say `for: 0s` if one reading shall do",
  },
  RULE_FLAP: {
    severity: "warning",
    meaning: "A `flap` that never happens: so many times can't fit into its `within`",
    remedy: "Make `within` longer, or `clear.for`, `keep` or `for` shorter",
  },
  RULE_ABSORBS_WORSE: {
    severity: "warning",
    meaning:
      "A rule absorbs one that is always more severe than itself: while both fire, nobody is called for the worse",
    remedy: "Give the wider rule a severity that is as high, or do not let it absorb this one",
  },
  RULE_SELECTS_NOTHING: {
    severity: "warning",
    meaning: "No device of the inventory is selected; a remark where it has none of that kind",
    remedy: "Correct `select`; a rule for devices yet to come may stay",
  },
  RULE_RUNBOOK: {
    severity: "warning",
    meaning: "No runbook is named, or there is no such file",
    remedy: "Write one: `rules/runbooks/<kind>/<fault>.md`",
  },
  RULE_TITLE_UNREAD: {
    severity: "warning",
    meaning: "A title's value that the rule does not have: people would read “?”",
    remedy: "Name what a condition of the rule reads, in the same words",
  },
  RULE_UNUSED_VAR: {
    severity: "warning",
    meaning: "A var that no condition reads",
    remedy: "Read it as `vars.x`, or remove it",
  },
  RULE_UNKNOWN_CODE: {
    severity: "warning",
    meaning: "A rule over events waits for a code that no event has",
    remedy: "Choose one of [the fault codes](metrics.md#fault-codes)",
  },
  RULE_NO_TESTS: {
    severity: "info",
    meaning: "The rule has no tests",
    remedy: "Add one that fires and a near miss that does not ([rules](rules.md#tests))",
  },
};
